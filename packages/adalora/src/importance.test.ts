import { normals } from '@peft/ops';
import * as tf from '@tensorflow/tfjs';
import '@tensorflow/tfjs-backend-wasm';
import { beforeAll, describe, expect, test } from 'vitest';
import type { Triplets } from './adaloraState.ts';
import { averageImportance, noImportance, tripletScores } from './importance.ts';

describe.each(['cpu', 'wasm'])('on %s', (backend) => {
  beforeAll(async () => {
    await tf.setBackend(backend);
  });

  test('A5: score of a weight whose product with its gradient is 1, then 3', () => {
    const zero = () => ({ a: tf.zeros([1, 1]), lambda: tf.zeros([1]), b: tf.zeros([1, 1]) });
    const scores = tf.tidy(() => {
      const one = { x: { ...zero(), lambda: tf.tensor1d([-0.5]) } };
      const rates = { sensitivityRate: tf.scalar(0.15), uncertaintyRate: tf.scalar(0.15) };
      const grad = (product: number) => ({ x: { ...zero(), lambda: tf.tensor1d([product / 0.5]) } });
      const first = averageImportance({ params: one, grads: grad(1), averages: noImportance(one), ...rates });
      const second = averageImportance({ params: one, grads: grad(3), averages: first, ...rates });
      const value = (tensor: tf.Tensor | undefined) => tensor?.dataSync()[0] as number;
      return [
        value(tripletScores(first).x),
        value(second.sensitivity.x?.lambda),
        value(second.uncertainty.x?.lambda),
        value(tripletScores(second).x),
      ];
    });
    for (const [index, expected] of [0.019125, 0.5775, 0.47175, 0.272436].entries()) {
      expect(Math.abs((scores[index] as number) - expected)).toBeLessThan(1e-6);
    }
  });

  test('the score of a triplet is that of its lambda plus the means of its column of a and row of b', async () => {
    const leaf = (seed: number, shape: number[]) =>
      tf.tensor(
        normals(
          seed,
          shape.reduce((size, length) => size * length, 1),
        ),
        shape,
      );
    const draw = (seed: number): Triplets => ({
      a: leaf(seed, [5, 2]),
      lambda: leaf(seed + 1, [2]),
      b: leaf(seed + 2, [2, 3]),
    });
    const averages = { sensitivity: { x: draw(1) }, uncertainty: { x: draw(9) } };
    const read = async (triplets: Triplets) => ({
      a: [...(await triplets.a.data())],
      lambda: [...(await triplets.lambda.data())],
      b: [...(await triplets.b.data())],
    });
    const [s, u] = [await read(averages.sensitivity.x), await read(averages.uncertainty.x)];
    const product = (part: 'a' | 'lambda' | 'b', index: number) =>
      (s[part][index] as number) * (u[part][index] as number);
    const expected = [0, 1].map((i) => {
      const a = [0, 1, 2, 3, 4].reduce((sum, row) => sum + product('a', row * 2 + i), 0) / 5;
      const b = [0, 1, 2].reduce((sum, column) => sum + product('b', i * 3 + column), 0) / 3;
      return product('lambda', i) + a + b;
    });
    const found = await tripletScores(averages).x?.data();
    for (const [i, value] of expected.entries()) expect(found?.[i]).toBeCloseTo(value, 5);
  });

  test('a rate of 0 leaves the averages as they are, to the bit', () => {
    tf.tidy(() => {
      const params = { x: { a: tf.ones([2, 1]), lambda: tf.ones([1]), b: tf.ones([1, 2]) } };
      const averages = { sensitivity: params, uncertainty: { x: { ...params.x, lambda: tf.tensor1d([0.1]) } } };
      const still = tf.scalar(0);
      const next = averageImportance({
        params,
        grads: params,
        averages,
        sensitivityRate: still,
        uncertaintyRate: still,
      });
      expect(next.uncertainty.x?.lambda.dataSync()).toEqual(Float32Array.of(0.1));
      expect(next.sensitivity.x?.a.dataSync()).toEqual(Float32Array.of(1, 1));
    });
  });
});
