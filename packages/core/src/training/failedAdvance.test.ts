import * as tf from '@tensorflow/tfjs';
import { expect, it } from 'vitest';
import { adamw } from '../optimizers/adamw.ts';
import type { AnyStrategy } from '../strategy.ts';
import { toyData, toyModel } from '../testing/toyModel.ts';
import { toyStrategy } from '../testing/toyStrategy.ts';
import { leavesOf, mapTree } from '../tree.ts';
import { batches } from './dataSource.ts';
import { fineTune } from './fineTune.ts';
import { regression } from './loss.ts';

it('what a strategy made in an advance that could not be carried out does not stay', async () => {
  await tf.setBackend('cpu');
  const strategy: AnyStrategy = {
    ...(toyStrategy() as AnyStrategy),
    advance: (_, { params, state }) => {
      const [path = ''] = leavesOf(params)[0] ?? [];
      const select = { kind: 'select', leaves: [{ path, axis: 0, indices: [99] }] } as const;
      return Promise.resolve({ params: mapTree(params, (leaf) => tf.clone(leaf)), state, effects: [select] });
    },
  };
  const model = toyModel();
  const before = tf.memory().numTensors;
  const options = {
    targets: ['query'],
    loss: regression(),
    optimizer: adamw(),
    schedule: 0.1,
    progress: false,
  } as const;
  const data = batches(toyData(), { batchSize: 4 });
  const run = fineTune(model, { ...options, strategy, data, steps: 2, onWarning: () => {} });
  await expect(run.result).rejects.toThrow('99 is not in');
  model.weights.dispose();
  expect(tf.memory().numTensors).toBe(before);
});
