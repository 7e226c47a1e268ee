import type { Scalar, Tensor, Tensor1D, Tensor2D } from '@tensorflow/tfjs';
import * as tf from '@tensorflow/tfjs';

export type Labelled = { readonly labels: Tensor; readonly ignore: number };

/** How many counted rows of logits [rows, classes] are largest at their label [rows]. */
export function rightRows(logits: Tensor, { labels, ignore }: Labelled): Scalar {
  const isRight = tf.logicalAnd(tf.equal(tf.argMax(logits, 1), labels), tf.notEqual(labels, ignore));
  return tf.sum(tf.cast(isRight, 'float32')) as Scalar;
}

/** The same of `logitsOf(states)`, for states [rows, in], without holding the logits of more than `chunk` rows. */
export function rightRowsInChunks(
  logitsOf: (states: Tensor) => Tensor,
  states: Tensor,
  { chunk, ...labelled }: Labelled & { readonly chunk: number },
): Scalar {
  const rows = states.shape[0] as number;
  const counts: Scalar[] = [];
  for (let start = 0; start < rows; start += chunk) {
    const count = Math.min(chunk, rows - start);
    const labels = tf.slice(labelled.labels as Tensor1D, start, count);
    const part = tf.slice(states as Tensor2D, [start, 0], [count, -1]);
    counts.push(tf.tidy(() => rightRows(logitsOf(part), { ...labelled, labels })));
  }
  return tf.addN(counts) as Scalar;
}
