import * as tf from '@tensorflow/tfjs';
import { beforeAll, describe, expect, it } from 'vitest';
import { withKnots } from '../../test/knots.ts';
import { recorder, toyOptions, trainToy } from '../../test/toyRun.ts';
import type { AnyModel } from '../model.ts';
import { loraPlus } from '../optimizers/parameterGroup.ts';
import { sgd } from '../optimizers/sgd.ts';
import type { AnyStrategy } from '../strategy.ts';
import { requireClose } from '../testing/equality.ts';
import { fixedBatches } from '../testing/lawRun.ts';
import { toyData, toyModel } from '../testing/toyModel.ts';
import { toyStrategy } from '../testing/toyStrategy.ts';
import { entry, leavesOf, tensorsOf } from '../tree.ts';
import { batches, type DataSource } from './dataSource.ts';
import { evaluate } from './evaluate.ts';
import { fineTune } from './fineTune.ts';
import { readSnapshot } from './hostSnapshot.ts';
import { type HostBatch, regression } from './loss.ts';

beforeAll(async () => {
  await tf.setBackend('cpu');
});

/** Adds half the squared norm of the adapter, a hundredth of it. */
function decayed(): AnyStrategy {
  return {
    ...(toyStrategy() as AnyStrategy),
    penalty: ({ params }) =>
      tf.mul(0.005, tf.addN(tensorsOf(params).map((leaf) => tf.sum(tf.square(leaf))))) as tf.Scalar,
  };
}

/** The first rows of the toy task in batches of these sizes, over and over. */
function batchesOf(sizes: readonly number[]): DataSource {
  const { ids, targets } = toyData();
  let row = 0;
  const cut = sizes.map((size): HostBatch => {
    const from = row;
    row += size;
    return {
      ids: { ...ids, shape: [size, 2], data: (ids.data as Int32Array).slice(from * 2, row * 2) },
      targets: { ...targets, shape: [size, 2, 3], data: (targets.data as Float32Array).slice(from * 6, row * 6) },
    };
  });
  return fixedBatches(cut);
}

describe('gradient accumulation', () => {
  it('over micro-batches of unequal size equals one big batch, the penalty counted once', async () => {
    const [big, small] = [recorder(), recorder()];
    const options = { strategy: decayed(), steps: 4, maxGradientNorm: 0.5, modulesToSave: ['head'] };
    const whole = await trainToy({ ...options, data: batchesOf([12]), onEvent: big.onEvent });
    const cut = await trainToy({ ...options, data: batchesOf([7, 4, 1]), accumulate: 3, onEvent: small.onEvent });
    for (const key of ['loss', 'penalty', 'gradientNorm'] as const) {
      const [actual, expected] = [small, big].map(({ of }) => of('step').map((event) => event[key]));
      requireClose(actual as number[], expected as number[], { what: key, tolerance: 1e-6 });
    }
    expect(big.of('step').every(({ penalty }) => penalty > 0.1)).toBe(true);
    for (const [path, leaf] of Object.entries(whole.params)) {
      const other = cut.params[path];
      if (typeof leaf === 'number' || typeof other !== 'object') throw new Error(path);
      requireClose(other.data as Float32Array, leaf.data as Float32Array, { what: path, tolerance: 1e-6 });
    }
  });

  it('makes steps of several batches and counts epochs in batches', async () => {
    const log = recorder();
    await trainToy({ steps: undefined, epochs: 3, accumulate: 2, onEvent: log.onEvent });
    expect(log.of('step').map(({ step, epoch, totalSteps }) => [step, epoch, totalSteps])).toEqual([
      [1, 0, 6],
      [2, 0, 6],
      [3, 1, 6],
      [4, 1, 6],
      [5, 2, 6],
      [6, 2, 6],
    ]);
  });
});

describe('clipping', () => {
  it('scales the step to the largest norm and reports the norm before', async () => {
    const reach = async (maxGradientNorm?: number) => {
      const log = recorder();
      const run = fineTune(
        toyModel(),
        toyOptions({ optimizer: sgd(), schedule: 1, steps: 1, maxGradientNorm, onEvent: log.onEvent }),
      );
      const start = await run.state();
      const { adapter, dispose } = await run.result;
      const before = leavesOf(adapter.adapter.params).map(([path]) => entry(start.tensors, `adapter/${path}`, 'leaf'));
      const moved = tf.tidy(() =>
        Math.hypot(
          ...leavesOf(adapter.adapter.params).map(([, leaf], i) => {
            const old = before[i];
            if (typeof old !== 'object') throw new Error('a number');
            return tf.norm(tf.sub(leaf, tf.tensor(old.data as Float32Array, [...old.shape]))).dataSync()[0] as number;
          }),
        ),
      );
      dispose();
      return { moved, norm: log.of('step')[0]?.gradientNorm as number };
    };
    const free = await reach();
    expect(free.moved).toBeCloseTo(free.norm, 4);
    const clipped = await reach(free.norm / 10);
    expect(clipped.norm).toBe(free.norm);
    expect(clipped.moved).toBeCloseTo(free.norm / 10, 5);
    expect((await reach(free.norm * 10)).moved).toBeCloseTo(free.norm, 4);
  });
});

describe('schedules and groups', () => {
  it('asks the schedule for the steps completed and the length of the run', async () => {
    const asked: (readonly [number, number])[] = [];
    const log = recorder();
    const schedule = (step: number, totalSteps: number) => {
      asked.push([step, totalSteps]);
      return 0.01 * (step + 1);
    };
    await trainToy({ schedule, steps: 3, onEvent: log.onEvent });
    // What follows is the account of it that a state holds.
    expect(asked.slice(0, 3)).toEqual([
      [0, 3],
      [1, 3],
      [2, 3],
    ]);
    expect(log.of('step').map(({ learningRates }) => learningRates)).toEqual([[0.01], [0.02], [0.03]]);
  });

  it('gives the leaves of a life their own position, beside leaves that follow the run', async () => {
    const log = recorder();
    const schedule = (step: number, totalSteps: number) => (step + 1) / totalSteps;
    const strategy = withKnots(2);
    const lifeOf: AnyStrategy['lifeOf'] = (state, clock, target) =>
      target ? (strategy.lifeOf?.(state, clock, target) ?? clock) : clock;
    const options = { strategy: { ...strategy, lifeOf }, schedule, steps: 4, modulesToSave: ['head'] };
    await trainToy({ ...options, onEvent: log.onEvent });
    expect(log.of('step').map(({ learningRates }) => learningRates)).toEqual([
      [1 / 2, 1 / 4],
      [1, 2 / 4],
      [1 / 2, 3 / 4],
      [1, 1],
    ]);
  });

  it('trains LoRA+ by a rate of its own for b, and a frozen group not at all', async () => {
    const log = recorder();
    const frozen = { name: 'head', match: /^trained\//, learningRateFactor: 0 };
    const run = fineTune(
      toyModel(),
      toyOptions({ steps: 2, groups: [loraPlus(16), frozen], modulesToSave: ['head'], onEvent: log.onEvent }),
    );
    const { adapter, dispose } = await run.result;
    expect(log.of('step')[0]?.learningRates).toEqual([0.02, 0.32, 0]);
    const head = toyModel().weights.get('head.weight').data;
    expect(adapter.trained['head.weight']?.dataSync()).toEqual(head);
    dispose();
  });

  it('decays the weights of a group by its own factor', async () => {
    const shrink = { name: 'all', match: () => true, weightDecay: 0.5, learningRateFactor: 2 };
    const still: AnyStrategy = { ...(toyStrategy() as AnyStrategy), penalty: undefined };
    const zeroLoss = { ...regression(), sum: (output: tf.Tensor) => tf.mul(tf.sum(output), 0) as tf.Scalar };
    const run = fineTune(
      toyModel(),
      toyOptions({ strategy: still, loss: zeroLoss, steps: 1, schedule: 0.1, groups: [shrink] }),
    );
    const start = await run.state();
    const { adapter, dispose } = await run.result;
    for (const [path, leaf] of leavesOf(adapter.adapter.params)) {
      const old = start.tensors[`adapter/${path}`];
      if (typeof old !== 'object') throw new Error(path);
      const expected = Array.from(old.data as Float32Array, (value) => value * (1 - 0.1 * 2 * 0.5));
      requireClose(leaf.dataSync(), expected, { what: path, tolerance: 1e-6 });
    }
    dispose();
  });
});

describe('evaluation', () => {
  const validation = batches(toyData(2, 10), { batchSize: 4, shuffle: false });

  it('runs every few steps and at the end, on the task loss alone', async () => {
    const log = recorder();
    const model = toyModel();
    const run = fineTune(
      model,
      toyOptions({ strategy: decayed(), evaluation: { data: validation, every: 4 }, onEvent: log.onEvent }),
    );
    const { adapter, evaluation, dispose } = await run.result;
    expect(log.of('evaluation').map(({ step }) => step)).toEqual([4, 6]);
    const after = await evaluate(model, { data: validation, loss: regression(), adapter });
    expect(log.of('evaluation')[1]?.loss).toBe(after.loss);
    expect(evaluation).toEqual(after);
    dispose();
  });

  it('runs once an epoch where nothing is said', async () => {
    const log = recorder();
    await trainToy({ evaluation: { data: validation }, steps: 9, onEvent: log.onEvent });
    expect(log.of('evaluation').map(({ step }) => step)).toEqual([4, 8, 9]);
  });

  it('equals the mean over all items, whatever the batches', async () => {
    const model = toyModel();
    const data = toyData(2, 10);
    const losses = await Promise.all(
      [1, 3, 10].map(async (batchSize) => {
        const { loss } = await evaluate(model, { data: batches(data, { batchSize }), loss: regression() });
        return loss;
      }),
    );
    requireClose(losses, [losses[0] as number, losses[0] as number, losses[0] as number], {
      what: 'loss',
      tolerance: 1e-6,
    });
  });
});

describe('what trains', () => {
  it('trains modulesToSave whole, and no bias by default', async () => {
    const model = toyModel();
    const { adapter, dispose } = await fineTune(model, toyOptions({ modulesToSave: ['head'] })).result;
    expect(Object.keys(adapter.trained)).toEqual(['head.bias', 'head.weight']);
    dispose();
  });

  it.each([
    ['none', []],
    ['adapted', ['layer.0.query.bias', 'layer.1.query.bias']],
    ['all', ['head.bias', 'layer.0.query.bias', 'layer.1.query.bias']],
  ] as const)('trains %s of the biases', async (bias, paths) => {
    const model = toyModel();
    const { adapter, dispose } = await fineTune(model, toyOptions({ bias })).result;
    expect(Object.keys(adapter.trained)).toEqual(paths);
    for (const [path, tensor] of Object.entries(adapter.trained)) {
      expect(tensor.dataSync()).not.toEqual(model.weights.get(path).data);
    }
    dispose();
  });

  it('fine-tunes everything without a strategy, and leaves the base as it was', async () => {
    const model = toyModel();
    const log = recorder();
    const { adapter, dispose } = await fineTune(
      model,
      toyOptions({
        strategy: undefined,
        targets: undefined,
        modulesToSave: ['embed', 'layer', 'head'],
        steps: 30,
        onEvent: log.onEvent,
      }),
    ).result;
    expect(Object.keys(adapter.trained)).toEqual(model.weights.paths);
    expect(log.of('start')[0]).toMatchObject({ trainable: 7 * 6 + 2 * (36 + 6) + 18 + 3, targets: 0 });
    const losses = log.of('step').map(({ loss }) => loss);
    expect(losses.at(-1)).toBeLessThan((losses[0] as number) / 2);
    const untouched = toyModel().weights;
    for (const path of untouched.paths) expect(model.weights.get(path).data).toEqual(untouched.get(path).data);
    dispose();
  });

  it('refuses a target that the loss does not depend on, by name, before the first step', async () => {
    const model = toyModel();
    const headless: AnyModel = {
      ...model,
      apply: (batch, at) => tf.slice(at.embedding('embed', batch.ids as tf.Tensor), [0, 0, 0], [-1, -1, 3]),
    };
    const run = fineTune(headless, toyOptions({ targets: ['embed', 'layer.0.query'], modulesToSave: ['head'] }));
    await expect(run.result).rejects.toThrow(
      'the loss does not depend on 4 trained tensors, which would never learn: adapter/layer.0.query/a, adapter/layer.0.query/b, trained/head.bias, trained/head.weight. Exclude their modules from targets and modulesToSave, or use them in the model.',
    );
  });

  it('lets two runs share a base at once, one with knots', async () => {
    const model = toyModel();
    const alone = await trainToy({ steps: 6 });
    const plain = fineTune(model, toyOptions());
    const knotted = fineTune(model, toyOptions({ strategy: withKnots(2) }));
    const [left, right] = await Promise.all([plain.result, knotted.result]);
    expect(await readSnapshot({ ...left.adapter.adapter.params })).toEqual(alone.params);
    expect(right.weights.written.length).toBe(3);
    left.dispose();
    right.dispose();
  });
});
