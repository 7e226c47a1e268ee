import * as tf from '@tensorflow/tfjs';
import { maskOf } from '../maskOf.ts';
import type { TokenBatch } from './tokenBatch.ts';

/** Finite, so that a row that is hidden whole still has a softmax. */
const HIDDEN = -1e9;

/** Added to the scores: hides later tokens, [length, length], and hidden ones, [sequences, 1, length, length]. */
export function causalMask({ inputIds, attentionMask }: TokenBatch): tf.Tensor {
  const length = inputIds.shape[1] as number;
  const places = tf.range(0, length, 1, 'int32');
  const isLater = tf.greater(places.reshape([1, length]), places.reshape([length, 1]));
  const later = tf.mul(tf.cast(isLater, 'float32'), HIDDEN);
  const padding = maskOf(attentionMask);
  return padding ? tf.add(later, padding) : later;
}
