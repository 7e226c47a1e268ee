import * as tf from '@tensorflow/tfjs';
import { expect, it } from 'vitest';
import { draw, relativeError, sizeOf, tensorOf } from '../test/draw.ts';
import { onEachBackend } from '../test/onEachBackend.ts';
import { adamw } from './adamw.ts';
import { type AdamWMoments, adamw as reference } from './reference/adamw.ts';

const options = { beta1: 0.9, beta2: 0.999, epsilon: 1e-8, weightDecay: 0.1 };

onEachBackend(() => {
  it.each([[[3, 5]], [[65, 64]]])(
    'follows the reference over 50 updates of %j and leaves no tensor behind',
    (shape) => {
      const size = sizeOf(shape);
      let expected: AdamWMoments = { param: draw('param', size), m: new Float64Array(size), v: new Float64Array(size) };
      let leaf = { param: tensorOf(expected.param, shape), m: tf.zeros(shape), v: tf.zeros(shape) };
      const before = tf.memory().numTensors;
      for (let step = 1; step <= 50; step++) {
        const grad = draw(`grad ${step}`, size);
        const learningRate = 0.1 / step;
        expected = reference(expected, grad, { ...options, learningRate, step });
        const next = tf.tidy(() =>
          adamw(
            { ...leaf, grad: tensorOf(grad, shape) },
            {
              learningRate: tf.scalar(learningRate),
              correction1: tf.scalar(1 - options.beta1 ** step),
              correction2: tf.scalar(1 - options.beta2 ** step),
            },
            options,
          ),
        );
        tf.dispose(leaf);
        leaf = next;
      }
      expect(tf.memory().numTensors).toBe(before);
      expect(relativeError(leaf.param.dataSync(), expected.param)).toBeLessThan(1e-6);
      expect(relativeError(leaf.m.dataSync(), expected.m)).toBeLessThan(1e-6);
      expect(relativeError(leaf.v.dataSync(), expected.v)).toBeLessThan(1e-6);
      tf.dispose(leaf);
    },
  );

  it('refuses tensors of other shapes and factors out of range', () => {
    const x = tf.zeros([2]);
    const scalars = { learningRate: tf.scalar(1), correction1: tf.scalar(1), correction2: tf.scalar(1) };
    expect(() => adamw({ param: x, grad: tf.zeros([3]), m: x, v: tf.zeros([1, 2]) }, scalars, options)).toThrow(
      'adamw of a parameter [2] got grad [3], v [1,2]; all four must agree.',
    );
    const bad = { beta1: 1, beta2: -0.1, epsilon: Number.NaN, weightDecay: -1 };
    expect(() => adamw({ param: x, grad: x, m: x, v: x }, scalars, bad)).toThrow(
      'adamw: beta1 1 is outside 0 <= beta1 < 1; beta2 -0.1 is outside 0 <= beta2 < 1; ' +
        'epsilon NaN is below 0; weightDecay -1 is below 0.',
    );
  });
});
