import * as tf from '@tensorflow/tfjs';

/** The Euclidean norm over all gradients as one vector. */
export function globalNorm(grads: readonly tf.Tensor[]): tf.Scalar {
  if (grads.length === 0) return tf.scalar(0);
  return tf.sqrt(tf.addN(grads.map((grad) => tf.sum(tf.square(grad)) as tf.Scalar)));
}

/** Gradients scaled by min(1, maxNorm / (norm + 1e-6)), as torch's clip_grad_norm_ does. */
export function clipByGlobalNorm(grads: readonly tf.Tensor[], norm: tf.Scalar, maxNorm: number): readonly tf.Tensor[] {
  const factor = tf.minimum(tf.div(maxNorm, tf.add(norm, 1e-6)), 1);
  return grads.map((grad) => tf.mul(grad, factor));
}
