import { normals } from '@peft/ops';
import * as tf from '@tensorflow/tfjs';
import '@tensorflow/tfjs-backend-wasm';
import { expect, test } from 'vitest';
import { tripletScore } from './tripletScore.ts';

// Small targets take the pass over values on wasm, large ones the kernels.
test.each([
  ['cpu', 7, 5],
  ['wasm', 7, 5],
  ['wasm', 2100, 9],
])('on %s, the scores of a [%i, 4] by [4, %i] target follow the definition', async (backend, rows, columns) => {
  await tf.setBackend(backend);
  tf.tidy(() => {
    const draw = (seed: number, shape: number[]) =>
      tf.tensor(
        normals(
          seed,
          shape.reduce((size, length) => size * length, 1),
        ),
        shape,
      );
    const triplets = (seed: number) => ({
      a: draw(seed, [rows, 4]),
      lambda: draw(seed + 1, [4]),
      b: draw(seed + 2, [4, columns]),
    });
    const [sensitivity, uncertainty] = [triplets(1), triplets(10)];
    const scores = tripletScore(sensitivity, uncertainty).dataSync();
    const products = {
      a: tf.mul(sensitivity.a, uncertainty.a).arraySync() as number[][],
      lambda: tf.mul(sensitivity.lambda, uncertainty.lambda).arraySync() as number[],
      b: tf.mul(sensitivity.b, uncertainty.b).arraySync() as number[][],
    };
    for (const triplet of [0, 1, 2, 3]) {
      const a = products.a.reduce((sum, row) => sum + (row[triplet] as number), 0) / rows;
      const b = (products.b[triplet] as number[]).reduce((sum, value) => sum + value, 0) / columns;
      expect(scores[triplet]).toBeCloseTo((products.lambda[triplet] as number) + a + b, 5);
    }
  });
});
