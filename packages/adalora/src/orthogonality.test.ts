import * as tf from '@tensorflow/tfjs';
import '@tensorflow/tfjs-backend-wasm';
import { beforeAll, describe, expect, test } from 'vitest';
import { averagedNorm, type Orthogonality, squaredSum } from './orthogonality.ts';

const identityColumns = () => tf.tensor2d([1, 0, 0, 1, 0, 0], [3, 2]);

function valueAndGradient(penalty: Orthogonality, [a, b]: readonly [tf.Tensor, tf.Tensor], live?: tf.Tensor) {
  const { value, grads } = tf.valueAndGrads((a: tf.Tensor, b: tf.Tensor) =>
    penalty([{ a, b, lambda: tf.zeros([2]), live }]),
  )([a, b]);
  return {
    value: value.dataSync()[0] as number,
    a: [...(grads[0] as tf.Tensor).dataSync()],
    b: [...(grads[1] as tf.Tensor).dataSync()],
  };
}

describe.each(['cpu', 'wasm'])('on %s', (backend) => {
  beforeAll(async () => {
    await tf.setBackend(backend);
  });

  test('A8: 0 with gradient 0 at exactly orthonormal factors', () => {
    const found = valueAndGradient(squaredSum, [identityColumns(), tf.transpose(identityColumns())]);
    expect(found.value).toBe(0);
    expect([...found.a, ...found.b].every((value) => value === 0)).toBe(true);
  });

  test("A8: so is Python's averaged norm, whose root has no gradient there", () => {
    const found = valueAndGradient(averagedNorm, [identityColumns(), tf.transpose(identityColumns())]);
    expect(found.value).toBeLessThan(1e-12);
    expect([...found.a, ...found.b].every((value) => value === 0)).toBe(true);
  });

  test('values by hand: a of length 2 and 0, b orthonormal', () => {
    const a = tf.tensor2d([2, 0, 0, 0, 0, 0], [3, 2]);
    const b = tf.transpose(identityColumns());
    // a'a - I = diag(3, -1): squared norm 10; its gradient is 4 a (a'a - I).
    const squared = valueAndGradient(squaredSum, [a, b]);
    expect(squared.value).toBeCloseTo(10, 5);
    expect(squared.a[0]).toBeCloseTo(24, 4);
    const averaged = valueAndGradient(averagedNorm, [a, b]);
    expect(averaged.value).toBeCloseTo(Math.sqrt(10) / 2, 6);
    expect(averaged.a[0]).toBeCloseTo((2 * 2 * 3) / Math.sqrt(10) / 2, 5);
  });

  test('dead triplets count neither alone nor against live ones', () => {
    const a = tf.tensor2d([2, 7, 0, 8, 0, 9], [3, 2]);
    const b = tf.tensor2d([1, 0, 0, 5, 5, 5], [2, 3]);
    const found = valueAndGradient(squaredSum, [a, b], tf.tensor1d([1, 0]));
    expect(found.value).toBeCloseTo(9, 5);
    expect(found.a.filter((_, index) => index % 2 === 1).every((value) => value === 0)).toBe(true);
  });
});
