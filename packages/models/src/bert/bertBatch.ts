import { PeftError, type TensorBatch } from '@peft/core';
import type * as tf from '@tensorflow/tfjs';
import type { BertConfig } from './bertConfig.ts';

/** One batch, int32 [sequences, length] each: transformers' input_ids, attention_mask and token_type_ids. */
export type BertBatch = TensorBatch & {
  readonly inputIds: tf.Tensor;
  /** 0 hides a token from all others; every token is seen where the column is left out. */
  readonly attentionMask?: tf.Tensor;
  /** Zeros where the column is left out. */
  readonly tokenTypeIds?: tf.Tensor;
};

/** Refuses columns that are missing or have another type or shape. Throws `model/batch`. */
export function checkBertBatch(batch: BertBatch, { positions }: BertConfig): void {
  const ids: tf.Tensor | undefined = batch.inputIds;
  if (ids === undefined) {
    refuse(`the batch has no column "inputIds"; a BERT reads int32 [sequences, length] from it.`);
  }
  if (ids.rank !== 2 || ids.dtype !== 'int32') {
    refuse(`batch column "inputIds" is ${say(ids)}; a BERT reads int32 [sequences, length].`);
  }
  if ((ids.shape[1] as number) > positions) {
    refuse(
      `batch column "inputIds" is ${say(ids)}: its sequences are longer than the ${positions} tokens of max_position_embeddings; truncate them.`,
    );
  }
  for (const name of ['attentionMask', 'tokenTypeIds'] as const) {
    const column: tf.Tensor | undefined = batch[name];
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
