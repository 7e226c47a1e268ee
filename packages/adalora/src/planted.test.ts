import * as tf from '@tensorflow/tfjs';
import '@tensorflow/tfjs-backend-wasm';
import { beforeAll, expect, test } from 'vitest';
import { ranksFound } from '../test/ranksFound.ts';

// One seed each here; the ten of the claim are run by the claims program.
const seeds = [1];

beforeAll(async () => {
  await tf.setBackend('wasm');
});

test.each(seeds)('B3: the planted ranks are found exactly, and what they span (seed %i)', async (seed) => {
  const planted = [6, 4, 3, 2, 1, 0, 0, 0];
  const { ranks, residual } = await ranksFound({ planted, seed, initRank: 6 });
  expect(ranks).toEqual(planted);
  // One LoRA of rank 2 everywhere, of the same size, cannot get below 0.2684.
  expect(residual).toBeLessThanOrEqual(0.01);
});

test.each(seeds)('B4: equal ranks stay equal (seed %i)', async (seed) => {
  const { ranks } = await ranksFound({ planted: Array(8).fill(2), seed, initRank: 3 });
  expect(ranks).toEqual(Array(8).fill(2));
});
