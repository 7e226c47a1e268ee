import type * as tf from '@tensorflow/tfjs';

/** The first token of each sequence: rows [sequences * length, hidden] to [sequences, hidden]. */
export function classTokens(
  tokens: tf.Tensor,
  { sequences, hiddenSize }: { readonly sequences: number; readonly hiddenSize: number },
): tf.Tensor {
  return tokens.reshape([sequences, -1, hiddenSize]).slice([0, 0, 0], [-1, 1, -1]).reshape([sequences, hiddenSize]);
}
