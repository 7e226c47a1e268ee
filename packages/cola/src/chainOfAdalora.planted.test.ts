import '@tensorflow/tfjs-backend-wasm';
import { adalora } from '@peft/adalora';
import { type AnyStrategy, adamw, fineTune, mergeAdapter, toFloat32 } from '@peft/core';
import { plantedMaps } from '@peft/core/testing';
import * as tf from '@tensorflow/tfjs';
import { beforeAll, expect, test } from 'vitest';
import { cola } from './cola.ts';

beforeAll(async () => {
  await tf.setBackend('wasm');
});

// One seed here; the claims program runs all of them.
test('B7: two links of AdaLoRA reach what two links of uniform rank 1 cannot (floor 0.2684)', async () => {
  const seed = 1;
  const problem = plantedMaps([6, 4, 3, 2, 1, 0, 0, 0], { seed, noise: 0.5 });
  const link = adalora({
    initRank: 6,
    alpha: 6,
    targetBudget: 8,
    orthogonality: 0.1,
    warmupSteps: 60,
    finalSteps: 200,
    allocateEvery: 10,
  });
  const { adapter, dispose } = await fineTune(problem.model, {
    strategy: cola(link, { links: 2 }) as AnyStrategy,
    targets: 'all-linear',
    loss: problem.loss,
    data: problem.data,
    steps: 1200,
    optimizer: adamw(),
    schedule: (step, totalSteps) => 0.02 * (1 - step / totalSteps),
    seed,
    progress: false,
  }).result;
  const weights = await mergeAdapter(problem.model, adapter);
  const residual = problem.residual((path) => toFloat32(weights.get(`${path}.weight`)));
  weights.dispose();
  dispose();
  expect(residual).toBeLessThanOrEqual(0.02);
});
