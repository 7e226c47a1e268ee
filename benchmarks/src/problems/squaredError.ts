import type { Loss } from '@peft/core';
import * as tf from '@tensorflow/tfjs';

/** Half the squared distance of output [n, out] from column `y`, summed over outputs, mean over rows. */
export const squaredError: Loss = {
  name: 'squared error',
  count: (batch) => batch.y?.shape[0] ?? 0,
  sum: (output, batch) => tf.mul(tf.sum(tf.squaredDifference(output, batch.y as tf.Tensor)), 0.5) as tf.Scalar,
};
