import { PeftError, type TensorBatch } from '@peft/core';
import type * as tf from '@tensorflow/tfjs';

/** One batch of token ids, int32 [sequences, length] each: transformers' input_ids and attention_mask. */
export type TokenBatch = TensorBatch & {
  readonly inputIds: tf.Tensor;
  /** 0 hides a token from all others; every token is seen, as far as it comes before, where the column is left out. */
  readonly attentionMask?: tf.Tensor;
};

type Reader = {
  /** What reads the batch, with its article. */
  readonly model: string;
  /** Tokens of the longest sequence, and the field of config.json that says so. */
  readonly positions: number;
  readonly field: string;
};

/** Refuses columns that are missing or have another type or shape. Throws `model/batch`. */
export function checkTokenBatch(batch: TokenBatch, { model, positions, field }: Reader): void {
  const { inputIds: ids, attentionMask: mask }: Partial<TokenBatch> = batch;
  if (ids === undefined) {
    refuse(`the batch has no column "inputIds"; ${model} reads int32 [sequences, length] from it.`);
  }
  if (ids.rank !== 2 || ids.dtype !== 'int32') {
    refuse(`batch column "inputIds" is ${say(ids)}; ${model} reads int32 [sequences, length].`);
  }
  if ((ids.shape[1] as number) > positions) {
    refuse(
      `batch column "inputIds" is ${say(ids)}: its sequences are longer than the ${positions} tokens of ${field}; truncate them.`,
    );
  }
  if (mask === undefined || (mask.dtype === 'int32' && `${mask.shape}` === `${ids.shape}`)) return;
  refuse(`batch column "attentionMask" is ${say(mask)}; beside "inputIds" it must be ${say(ids)}.`);
}

function refuse(message: string): never {
  throw new PeftError('model/batch', message);
}

function say({ dtype, shape }: tf.Tensor): string {
  return `${dtype} [${shape.join(', ')}]`;
}
