import * as tf from '@tensorflow/tfjs';
import { beforeAll, describe, expect, it } from 'vitest';
import { toyOptions } from '../../test/toyRun.ts';
import { type HostArray, hostArray } from '../hostArray.ts';
import type { AnyModel } from '../model.ts';
import type { AnyStrategy } from '../strategy.ts';
import { fixedBatches, toyBatches } from '../testing/lawRun.ts';
import { toyModel } from '../testing/toyModel.ts';
import { toyStrategy } from '../testing/toyStrategy.ts';
import { mapTree } from '../tree.ts';
import { Weights } from '../weights.ts';
import { type FineTuneOptions, fineTune } from './fineTune.ts';
import { classification, type HostBatch, regression } from './loss.ts';

beforeAll(async () => {
  await tf.setBackend('cpu');
});

/** Runs into the error, and requires the adapter of the last sound step and no tensor left behind. */
async function failure(changes: Partial<FineTuneOptions>, { model = toyModel(), soundSteps = 0 } = {}) {
  const before = tf.memory().numTensors;
  const run = fineTune(model, toyOptions(changes));
  const error = await run.result.then(
    () => undefined,
    (reason: Error) => reason,
  );
  const state = await run.state();
  model.weights.dispose();
  expect(tf.memory().numTensors).toBe(before);
  expect(error).toMatchObject({ code: 'train/not-finite' });
  expect(state.step).toBe(soundSteps);
  for (const [path, leaf] of Object.entries(state.tensors)) {
    if (typeof leaf === 'object')
      expect([path, (leaf.data as Float32Array).every(Number.isFinite)]).toEqual([path, true]);
  }
  return error?.message;
}

function spoilt(batches: readonly HostBatch[], at: { batch: number; column: string; element: number; value: number }) {
  return batches.map((batch, index): HostBatch => {
    if (index !== at.batch) return batch;
    const column = batch[at.column] as HostArray;
    const data = (column.data as Float32Array).slice();
    data[at.element] = at.value;
    return { ...batch, [at.column]: { ...column, data } };
  });
}

function withWeight(path: string, array: HostArray): AnyModel {
  const model = toyModel();
  const arrays = model.weights.paths.map(
    (known) => [known, known === path ? array : model.weights.get(known)] as const,
  );
  return { ...model, weights: new Weights(arrays) };
}

describe('a value that is not finite stops the run before it harms the adapter', () => {
  it('in the data', async () => {
    const data = fixedBatches(spoilt(toyBatches(), { batch: 2, column: 'targets', element: 7, value: Number.NaN }));
    expect(await failure({ data }, { soundSteps: 2 })).toBe(
      'training stopped at step 3: element 7 of batch column "targets" is not finite (loss NaN, penalty 0, gradientNorm NaN); the adapter is as it was after step 2. To go on, clean the data.',
    );
  });

  it('in the data of a micro-batch', async () => {
    const data = fixedBatches(spoilt(toyBatches(), { batch: 1, column: 'targets', element: 0, value: Infinity }));
    expect(await failure({ data, accumulate: 2 })).toMatch(
      /^training stopped at step 1: element 0 of batch column "targets" of micro-batch 1 is not finite \(loss Infinity/,
    );
  });

  it.each([
    ['float32', hostArray([1, 2, Number.NaN], [3])],
    ['float16', { dtype: 'float16', shape: [3], data: Uint16Array.of(0x3c00, 0x7c00, 0) }],
    ['float64 beyond float32', { dtype: 'float64', shape: [3], data: Float64Array.of(1, 1e300, 0) }],
  ] as const)('in a base weight of %s', async (_dtype, array) => {
    expect(await failure({}, { model: withWeight('head.bias', array as HostArray) })).toMatch(
      /^training stopped at step 1: the base weight "head\.bias" is not finite .*To go on, load sound weights\.$/,
    );
  });

  it('in a parameter that a strategy starts with', async () => {
    const toy = toyStrategy() as AnyStrategy;
    const strategy: AnyStrategy = {
      ...toy,
      init: (context) => ({
        ...toy.init(context),
        params: mapTree(toy.init(context).params, (leaf) => tf.div(leaf, 0)),
      }),
    };
    const run = fineTune(toyModel(), toyOptions({ strategy }));
    await expect(run.result).rejects.toThrow(
      /^training stopped at step 1: the parameter "adapter\/embed\/a" is not finite .*To go on, start from a sound state\.$/,
    );
  });

  it('in the loss', async () => {
    const loss = {
      ...regression(),
      sum: (output: tf.Tensor) => tf.sum(tf.log(tf.sub(tf.mul(output, 0), 1))) as tf.Scalar,
    };
    expect(await failure({ loss })).toMatch(
      /^training stopped at step 1: the loss is not finite .*To go on, lower the learning rate or clip with maxGradientNorm, and where it is so from the first step, see that every id of the data has a row in its table\.$/,
    );
  });

  it('in a gradient of a finite loss', async () => {
    // The square root at zero: its value is 0, its slope infinite, and infinity times 0 is not a number.
    const loss = {
      ...regression(),
      sum: (output: tf.Tensor) => tf.sum(tf.sqrt(tf.sub(output, tf.onesLike(output).mul(output)))) as tf.Scalar,
    };
    expect(await failure({ loss })).toMatch(
      /^training stopped at step 1: the gradient of "adapter\/embed\/a" is not finite \(loss 0, penalty 0, gradientNorm NaN\)/,
    );
  });

  it('in a parameter after a step that was too long', async () => {
    expect(await failure({ schedule: 1e39 })).toBe(
      'training stopped at step 1: a parameter after the update is not finite (loss 2.181, penalty 0, gradientNorm 2.242); the adapter is as it was after step 0. To go on, lower the learning rate.',
    );
  });

  it('after rates that drive the loss away', async () => {
    const message = await fineTune(toyModel(), toyOptions({ schedule: 1e20 })).result.then(
      () => '',
      (error: Error) => error.message,
    );
    expect(message).toMatch(/^training stopped at step \d: .* is not finite/);
  });
});

it('names a label out of range of a model that does not state its output size', async () => {
  const { outputSize: _, ...model } = toyModel();
  const labelled = toyBatches().map(({ ids }) => ({
    ids: ids as HostArray,
    labels: hostArray(Int32Array.from({ length: 12 }, (__, i) => (i === 4 ? 3 : i % 3))),
  }));
  const run = fineTune(model, toyOptions({ loss: classification(), data: fixedBatches(labelled) }));
  await expect(run.result).rejects.toMatchObject({
    code: 'data/labels',
    message:
      'training stopped at step 1: batch column "labels" holds label 3 at position 4; the model has 3 classes, so labels are 0 to 2, or -100 to ignore a row.',
  });
  model.weights.dispose();
});
