import * as tf from '@tensorflow/tfjs';

/** Finite, so that a sequence that is hidden whole still has a softmax. */
const HIDDEN = -1e9;

/** What an attention mask [sequences, keys] adds to the scores: [sequences, 1, 1, keys], 0 where it is not 0. */
export function maskOf(attentionMask: tf.Tensor | undefined): tf.Tensor | undefined {
  if (attentionMask === undefined) return undefined;
  const [sequences, keys] = attentionMask.shape as [number, number];
  const isHidden = tf.equal(attentionMask, tf.scalar(0, 'int32'));
  return tf.mul(tf.cast(isHidden, 'float32'), HIDDEN).reshape([sequences, 1, 1, keys]);
}
