import * as tf from '@tensorflow/tfjs';
import fc from 'fast-check';
import { expect, it } from 'vitest';
import { onEachBackend } from '../test/onEachBackend.ts';
import { bits } from './bits.ts';
import { dropout } from './dropout.ts';

onEachBackend(() => {
  it('keeps element i exactly where its fraction of the key reaches the rate, and scales it', () => {
    const uint32 = fc.integer({ min: 0, max: 0xffffffff });
    const rate = fc.double({ min: Number.MIN_VALUE, max: 0.99, noNaN: true });
    fc.assert(
      fc.property(uint32, uint32, rate, (key0, key1, chance) => {
        const [x, key] = [tf.fill([3, 7], 2), tf.tensor1d([key0 | 0, key1 | 0], 'int32')];
        const expected = Float32Array.from({ length: 21 }, (_, index) =>
          (bits(key0, key1, index) >>> 8) / 2 ** 24 >= chance ? 2 * Math.fround(1 / (1 - chance)) : 0,
        );
        expect(dropout(x, chance, key).dataSync()).toEqual(expected);
        tf.dispose([x, key]);
      }),
    );
  });

  it('keeps an element whose fraction equals the rate and drops it at any higher rate', () => {
    const [x, key] = [tf.ones([1]), tf.tensor1d([3, 4], 'int32')];
    const fraction = (bits(3, 4, 0) >>> 8) / 2 ** 24;
    expect(dropout(x, fraction, key).dataSync()[0]).toBeGreaterThan(0);
    expect(dropout(x, fraction + 2 ** -30, key).dataSync()[0]).toBe(0);
  });

  it('lets the gradient through the same mask', () => {
    const key = tf.stack([tf.scalar(-5, 'int32'), tf.scalar(6, 'int32')]);
    const x = tf.ones([400]);
    const before = tf.memory().numTensors;
    const [mask, gradient] = tf.tidy(() => [
      dropout(x, 0.3, key).dataSync(),
      tf
        .grad((input) => tf.sum(tf.mul(dropout(input, 0.3, key), 5)))(x)
        .dataSync(),
    ]);
    expect(tf.memory().numTensors).toBe(before);
    expect(gradient).toEqual(mask.map((factor) => factor * 5));
    const dropped = mask.filter((factor) => factor === 0).length;
    expect(Math.abs(dropped - 120)).toBeLessThan(4 * Math.sqrt(400 * 0.3 * 0.7));
  });

  it('is the identity at rate 0', () => {
    const x = tf.ones([2]);
    expect(dropout(x, 0, tf.zeros([2], 'int32'))).toBe(x);
  });

  it('refuses rates outside [0, 1) and keys that are not two int32', () => {
    const [x, key] = [tf.ones([2]), tf.zeros([2], 'int32')];
    for (const rate of [1, -0.1, Number.NaN]) {
      expect(() => dropout(x, rate, key)).toThrow(
        `dropout rate ${rate} is outside 0 <= rate < 1; 0 switches dropout off.`,
      );
    }
    expect(() => dropout(x, 0.5, tf.zeros([2]))).toThrow(
      'dropout needs an int32 key of shape [2], got float32 [2]; stack two int32 scalars.',
    );
    expect(() => dropout(x, 0.5, tf.zeros([3], 'int32'))).toThrow('got int32 [3]');
  });
});
