import * as tf from '@tensorflow/tfjs';
import { dropoutMask } from './dropoutMask.ts';
import { PeftError } from './error.ts';
import { type Composition, operation } from './operation.ts';

const drop: Composition<'x' | 'key', { rate: number }, tf.Tensor[]> = operation({
  name: 'PeftDropout',
  compose: ({ x, key }, { rate }) => {
    const [key0, key1] = key.dataSync<'int32'>() as unknown as [number, number];
    const mask = tf.tensor(dropoutMask({ key0, key1, rate }, x.size), x.shape);
    return [tf.mul(x, mask), mask];
  },
  results: ['output', 'mask'],
  // The mask is kept: drawing it again costs more than anything else in dropout.
  gradient: { saves: ['mask'], of: (dy, { mask }) => ({ x: () => tf.mul(dy, mask) }) },
});

/**
 * Zeroes each element of `x` (float32) with probability `rate` and scales the others by 1 / (1 - rate).
 *
 * `key` (int32 [2]) holds the bit patterns of two uint32 keys; element i lives where the upper 24 bits of
 * `bits(key0, key1, i)`, read as a fraction, are at least `rate`. Rate 0 returns `x` itself.
 * @throws PeftError `ops/rate`, `ops/key`
 */
export function dropout(x: tf.Tensor, rate: number, key: tf.Tensor): tf.Tensor {
  if (!(rate >= 0 && rate < 1)) {
    throw new PeftError('ops/rate', `dropout rate ${rate} is outside 0 <= rate < 1; 0 switches dropout off.`);
  }
  if (key.dtype !== 'int32' || key.size !== 2) {
    throw new PeftError(
      'ops/key',
      `dropout needs an int32 key of shape [2], got ${key.dtype} [${key.shape}]; stack two int32 scalars.`,
    );
  }
  return rate === 0 ? x : (drop({ x, key }, { rate })[0] as tf.Tensor);
}
