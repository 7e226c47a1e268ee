import { adamw, batches, fineTune, hostArray, type Model, regression, Weights } from '@peft/core';
import * as tf from '@tensorflow/tfjs';
import { expect, it } from 'vitest';
import { lora } from './lora.ts';

it('DoRA of a weight with an all-zero column, which has no direction, stops at the first step and says where', async () => {
  await tf.setBackend('cpu');
  const model: Model = {
    targets: [{ path: 'layer', kind: 'dense', shape: [2, 2] }],
    weights: new Weights([['layer.weight', hostArray([1, 0, 2, 0], [2, 2])]]),
    apply: ({ x }, at) => at.linear('layer', x as tf.Tensor),
  };
  const run = (dora: boolean) =>
    fineTune(model, {
      strategy: lora({ rank: 1, dora }),
      targets: ['layer'],
      loss: regression({ targets: 'x' }),
      data: batches({ x: hostArray([1, 2], [1, 2]) }, { batchSize: 1 }),
      steps: 3,
      optimizer: adamw(),
      schedule: 0.1,
      progress: false,
      onWarning: () => {},
    }).result;
  await expect(run(true)).rejects.toThrow(/step 1\b.*not finite|not finite.*step 1\b/);
  (await run(false)).dispose();
});
