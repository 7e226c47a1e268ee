import type { At } from '@peft/core';
import { attention, gather } from '@peft/ops';
import type * as tf from '@tensorflow/tfjs';

export type SelfAttentionCall = {
  readonly paths: Readonly<Record<'query' | 'key' | 'value' | 'attentionOutput', string>>;
  /** How many sequences the rows belong to; all are equally long. */
  readonly sequences: number;
  readonly heads: number;
  readonly hiddenSize: number;
  /** Added to the scores, broadcast to [sequences, heads, queries, keys]. */
  readonly mask?: tf.Tensor | undefined;
  /** The queries whose result anything reads, int32 [n] by row; all where left out. */
  readonly rows?: tf.Tensor | undefined;
};

/**
 * Attention in several heads with its output projection, over rows [sequences * length, hidden] folded so that products
 * are of matrices; `queries` are the rows that ask, as many of each sequence.
 */
export function selfAttention(
  { queries, tokens }: Readonly<Record<'queries' | 'tokens', tf.Tensor>>,
  at: At,
  { paths, sequences, heads, hiddenSize, mask, rows }: SelfAttentionCall,
): tf.Tensor {
  // [sequences * length, hidden] to [sequences, heads, length, size].
  const split = (path: string, rows: tf.Tensor) =>
    at
      .linear(path, rows)
      .reshape([sequences, -1, heads, hiddenSize / heads])
      .transpose([0, 2, 1, 3]);
  const [query, key, value] = [split(paths.query, queries), split(paths.key, tokens), split(paths.value, tokens)];
  const mixed = attention(query, key, value, mask ? { mask } : {})
    .transpose([0, 2, 1, 3])
    .reshape([-1, hiddenSize]);
  return at.linear(paths.attentionOutput, rows ? gather(mixed, rows) : mixed);
}
