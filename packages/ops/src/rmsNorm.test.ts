import * as tf from '@tensorflow/tfjs';
import { expect, it } from 'vitest';
import { expectLike } from '../test/expectLike.ts';
import { onEachBackend } from '../test/onEachBackend.ts';
import { rmsNorm as reference } from './reference/rmsNorm.ts';
import { rmsNorm } from './rmsNorm.ts';

onEachBackend(() => {
  it.each([[[5]], [[3, 4]], [[2, 1, 7]], [[1, 1]]])('normalizes the last axis of %s', (shape) => {
    const width = shape[shape.length - 1] as number;
    expectLike({
      shapes: { x: shape, gain: [width] },
      output: shape,
      run: ({ x, gain }) => rmsNorm(x, gain, 1e-2),
      reference: ({ x, gain }) => reference(x, { gain, epsilon: 1e-2 }),
    });
  });

  it('refuses a gain of another width and a negative epsilon', () => {
    const x = tf.zeros([2, 3]);
    expect(() => rmsNorm(x, tf.zeros([2]), 1e-5)).toThrow('rmsNorm of [2,3] needs a gain of shape [3], got [2].');
    expect(() => rmsNorm(x, tf.zeros([3]), -1)).toThrow('rmsNorm epsilon -1 is not a number of at least 0.');
  });
});
