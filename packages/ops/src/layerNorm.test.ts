import * as tf from '@tensorflow/tfjs';
import { expect, it } from 'vitest';
import { expectLike } from '../test/expectLike.ts';
import { onEachBackend } from '../test/onEachBackend.ts';
import { layerNorm } from './layerNorm.ts';
import { layerNorm as reference } from './reference/layerNorm.ts';

onEachBackend(() => {
  it.each([[[5]], [[3, 4]], [[2, 1, 7]], [[2, 3, 2, 5]], [[1, 8]]])('normalizes the last axis of %s', (shape) => {
    const width = shape[shape.length - 1] as number;
    expectLike({
      shapes: { x: shape, gain: [width], bias: [width] },
      output: shape,
      run: ({ x, gain, bias }) => layerNorm(x, gain, bias, 1e-5),
      reference: ({ x, gain, bias }) => reference(x, { gain, bias, epsilon: 1e-5 }),
    });
  });

  it('gives the bias, and no gradient to x, on an axis of one', () => {
    const [x, gain, bias] = [tf.tensor2d([[3], [-4]]), tf.tensor1d([2]), tf.tensor1d([0.5])];
    expect(layerNorm(x, gain, bias, 1e-5).arraySync()).toEqual([[0.5], [0.5]]);
    const gradient = tf.grad((input) => tf.sum(tf.square(layerNorm(input, gain, bias, 1e-5))))(x);
    expect(Array.from(gradient.dataSync(), Math.abs)).toEqual([0, 0]);
  });

  it('refuses gains and biases of another width and a negative epsilon', () => {
    const [x, row] = [tf.zeros([2, 3]), tf.zeros([3])];
    expect(() => layerNorm(x, tf.zeros([2]), row, 1e-5)).toThrow(
      'layerNorm of [2,3] needs gain and bias of shape [3], got [2] and [3].',
    );
    expect(() => layerNorm(x, row, row, -1)).toThrow('layerNorm epsilon -1 is not a number of at least 0.');
  });
});
