import * as tf from '@tensorflow/tfjs';
import { placesOf } from './placesOf.ts';

/** The highest score outside the budget; -1, below every score, where the budget holds all. */
export function scoreThreshold(scores: tf.Tensor, budget: tf.Scalar): tf.Scalar {
  const isOutside = tf.greaterEqual(placesOf(scores), budget);
  return tf.max(tf.where(isOutside, scores, tf.fill(scores.shape, -1)));
}
