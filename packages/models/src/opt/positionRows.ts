import * as tf from '@tensorflow/tfjs';
import type { TokenBatch } from '../tokenBatch.ts';
import { positionOffset } from './optParameters.ts';

/** Rows of the position table: [length], or [sequences, length] by an attention mask, which counts only what it shows. */
export function positionRows({ inputIds, attentionMask }: TokenBatch): tf.Tensor {
  const length = inputIds.shape[1] as number;
  if (attentionMask === undefined) return tf.range(positionOffset, positionOffset + length, 1, 'int32');
  const counted = tf.mul(tf.cumsum(attentionMask, 1), attentionMask);
  return tf.add(counted, tf.scalar(positionOffset - 1, 'int32'));
}
