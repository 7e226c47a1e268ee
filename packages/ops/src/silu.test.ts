import * as tf from '@tensorflow/tfjs';
import { expect, it } from 'vitest';
import { expectLike } from '../test/expectLike.ts';
import { onEachBackend } from '../test/onEachBackend.ts';
import { silu } from './silu.ts';

onEachBackend(() => {
  it.each([[[]], [[7]], [[3, 1, 40]]])('is x * sigmoid(x) on %s', (shape) => {
    expectLike({
      shapes: { x: shape },
      output: shape,
      run: ({ x }) => silu(x),
      reference: ({ x }) => x.map((value) => value / (1 + Math.exp(-value))),
    });
  });

  it('saturates without overflow', () => {
    const x = tf.tensor1d([0, 100, -200]);
    expect((silu(x).arraySync() as number[]).map((value) => value + 0)).toEqual([0, 100, 0]);
    const slope = tf.grad((input) => tf.sum(silu(input)))(x);
    expect((slope.arraySync() as number[]).map((value) => value + 0)).toEqual([0.5, 1, 0]);
  });
});
