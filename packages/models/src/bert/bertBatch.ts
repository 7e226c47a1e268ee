import type * as tf from '@tensorflow/tfjs';
import { checkTokenBatch, type TokenBatch } from '../tokenBatch.ts';
import type { BertConfig } from './bertConfig.ts';

/** One batch, int32 [sequences, length] each: token ids and mask, and transformers' token_type_ids. */
export type BertBatch = TokenBatch & {
  /** Zeros where the column is left out. */
  readonly tokenTypeIds?: tf.Tensor;
};

/** Refuses columns that are missing or have another type or shape. Throws `model/batch`. */
export function checkBertBatch(batch: BertBatch, { positions }: BertConfig): void {
  const beside = ['attentionMask', 'tokenTypeIds'];
  checkTokenBatch(batch, { model: 'a BERT', positions, field: 'max_position_embeddings', beside });
}
