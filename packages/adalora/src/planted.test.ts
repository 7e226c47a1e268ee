import { adamw, fineTune, mergeAdapter, toFloat32 } from '@peft/core';
import { plantedMaps } from '@peft/core/testing';
import { linear } from '@peft/schedulers';
import * as tf from '@tensorflow/tfjs';
import '@tensorflow/tfjs-backend-wasm';
import { beforeAll, expect, test } from 'vitest';
import { type AdaLoraState, adalora, rankPattern } from './index.ts';

// One seed each here; the ten of the claim are run by the claims program.
const seeds = [1];
const steps = 600;

async function ranksFound(planted: readonly number[], seed: number, initRank: number) {
  const problem = plantedMaps(planted, { seed, noise: 0.5 });
  const { adapter, dispose } = await fineTune(problem.model, {
    strategy: adalora({
      initRank,
      alpha: initRank,
      targetBudget: 16,
      orthogonality: 0.1,
      warmupSteps: 60,
      finalSteps: 200,
      allocateEvery: 10,
    }),
    targets: 'all-linear',
    loss: problem.loss,
    data: problem.data,
    steps,
    optimizer: adamw(),
    schedule: linear(0.02),
    seed,
    progress: false,
    onWarning: () => {},
  }).result;
  const pattern = await rankPattern(adapter.adapter.state as AdaLoraState);
  const weights = await mergeAdapter(problem.model, adapter);
  const residual = problem.residual((path) => toFloat32(weights.get(`${path}.weight`)));
  weights.dispose();
  dispose();
  return { ranks: Object.values(pattern).map((live) => live.filter(Boolean).length), residual };
}

beforeAll(async () => {
  await tf.setBackend('wasm');
});

test.each(seeds)('B3: the planted ranks are found exactly, and what they span (seed %i)', async (seed) => {
  const planted = [6, 4, 3, 2, 1, 0, 0, 0];
  const { ranks, residual } = await ranksFound(planted, seed, 6);
  expect(ranks).toEqual(planted);
  // One LoRA of rank 2 everywhere, of the same size, cannot get below 0.2684.
  expect(residual).toBeLessThanOrEqual(0.01);
});

test.each(seeds)('B4: equal ranks stay equal (seed %i)', async (seed) => {
  const { ranks } = await ranksFound(Array(8).fill(2), seed, 3);
  expect(ranks).toEqual(Array(8).fill(2));
});
