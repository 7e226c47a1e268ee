import { PeftError, type TensorBatch } from '@peft/core';
import type * as tf from '@tensorflow/tfjs';

/** One batch of token ids, int32 [sequences, length] each: transformers' input_ids and attention_mask. */
export type TokenBatch = TensorBatch & {
  readonly inputIds: tf.Tensor;
  /** 0 hides a token from all others; every token that the model lets see is seen where the column is left out. */
  readonly attentionMask?: tf.Tensor;
};

type Reader = {
  /** What reads the batch, with its article. */
  readonly model: string;
  /** Tokens of the longest sequence, and the field of config.json that says so. */
  readonly positions: number;
  readonly field: string;
  /** Columns that may stand beside the ids, of their type and shape. */
  readonly beside?: readonly string[];
};

/** Refuses columns that are missing or have another type or shape. Throws `model/batch`. */
export function checkTokenBatch(
  batch: TokenBatch,
  { model, positions, field, beside = ['attentionMask'] }: Reader,
): void {
  const ids: tf.Tensor | undefined = batch.inputIds;
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
  for (const name of beside) {
    const column = batch[name];
    if (column === undefined || (column.dtype === 'int32' && `${column.shape}` === `${ids.shape}`)) continue;
    refuse(`batch column "${name}" is ${say(column)}; beside "inputIds" it must be ${say(ids)}.`);
  }
}

function refuse(message: string): never {
  throw new PeftError('model/batch', message);
}

function say({ dtype, shape }: tf.Tensor): string {
  return `${dtype} [${shape.join(', ')}]`;
}
