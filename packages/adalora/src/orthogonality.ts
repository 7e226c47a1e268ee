import { matMul } from '@peft/ops';
import * as tf from '@tensorflow/tfjs';
import type { Triplets } from './adaloraState.ts';
import { tripletDistance } from './tripletDistance.ts';

/** How far the factors of all targets are from orthonormal, as one number. `live` [r] leaves dead triplets out. */
export type Orthogonality = (factors: readonly (Triplets & { readonly live?: tf.Tensor | undefined })[]) => tf.Scalar;

/** Sum over targets of ||a'a - I||_F^2 + ||bb' - I||_F^2 (equation 4 of the paper); its gradient is 0 at the optimum. */
export const squaredSum: Orthogonality = (factors) =>
  tf.addN(factors.map(({ a, b, lambda, live = tf.ones([lambda.size]) }) => tripletDistance(a, b, live))) as tf.Scalar;

/** Python PEFT's form: the mean over all 2n factors of the norm itself, with gradient 0 where the norm is 0. */
export const averagedNorm: Orthogonality = (factors) => {
  const norms = factors.flatMap(({ a, b }) =>
    // The floor stops the gradient of the root, which is infinite at 0; it is far below any other float32 distance.
    [matMul(a, a, true, false), matMul(b, b, false, true)].map((gram) =>
      tf.sqrt(tf.maximum(squaredDistance(gram), 1e-30)),
    ),
  );
  return tf.div(tf.addN(norms), norms.length) as tf.Scalar;
};

function squaredDistance(gram: tf.Tensor): tf.Tensor {
  return tf.sum(tf.square(tf.sub(gram, tf.eye(gram.shape[0] as number))));
}
