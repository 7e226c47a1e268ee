import * as tf from '@tensorflow/tfjs';
import { expect, it } from 'vitest';
import { draw, relativeError } from '../test/draw.ts';
import { expectLike } from '../test/expectLike.ts';
import { onEachBackend } from '../test/onEachBackend.ts';
import { rotary as reference } from './reference/rotary.ts';
import { rotary } from './rotary.ts';

onEachBackend(() => {
  it.each([[[3, 2]], [[2, 5, 4]], [[2, 3, 4, 6]]])('turns the pairs of %s by the angles of their places', (shape) => {
    const [places, size] = shape.slice(-2) as [number, number];
    const angles = [...draw('angles', (places * size) / 2)];
    const table = (of: (angle: number) => number) => tf.tensor2d(angles.map(of), [places, size / 2]);
    const [cos, sin] = [table(Math.cos), table(Math.sin)];
    expectLike({
      shapes: { x: shape },
      output: shape,
      run: ({ x }) => rotary(x, cos, sin),
      reference: ({ x }) => reference(x, angles, size),
    });
  });

  it('keeps the products of rows that are as far apart', () => {
    const row = tf.tensor(Float32Array.from(draw('row', 4)), [1, 4]).tile([5, 1]);
    const angles = tf.outerProduct(tf.range(0, 5), tf.tensor1d([1, 0.1]));
    const turned = rotary(row, tf.cos(angles), tf.sin(angles));
    const products = tf.matMul(turned, turned, false, true).arraySync() as number[][];
    const apart = (distance: number) => products.slice(distance).map((each, index) => each[index] as number);
    for (const distance of [0, 1, 3]) {
      const list = apart(distance);
      expect(
        relativeError(
          list,
          list.map(() => list[0] as number),
        ),
      ).toBeLessThan(1e-6);
    }
  });

  it('refuses angles of other places or sizes', () => {
    expect(() => rotary(tf.zeros([2, 3, 4]), tf.zeros([3, 4]), tf.zeros([3, 4]))).toThrow(
      'rotary of [2,3,4] with cos [3,4] and sin [3,4] does not fit: it takes [..., places, size] and twice [places, size / 2].',
    );
  });
});
