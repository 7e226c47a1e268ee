import * as tf from '@tensorflow/tfjs';
import type { TokenBatch } from '../tokenBatch.ts';

/**
 * The row of each sequence's last token among [sequences * length], as transformers pools a decoder: the last that is
 * not `padToken`; where the config has none, the last that the attention mask shows.
 */
export function lastTokens({ inputIds, attentionMask }: TokenBatch, padToken: number | undefined): tf.Tensor {
  const [sequences, length] = inputIds.shape as [number, number];
  const first = tf.range(0, sequences * length, length, 'int32');
  const isToken =
    padToken === undefined ? attentionMask && tf.notEqual(attentionMask, 0) : tf.notEqual(inputIds, padToken);
  if (isToken === undefined) return tf.add(first, tf.scalar(length - 1, 'int32'));
  const places = tf.mul(tf.cast(isToken, 'int32'), tf.range(0, length, 1, 'int32'));
  return tf.add(first, tf.max(places, 1));
}
