// What Python PEFT 0.21.2 does in these cases, fixtures/python/combine_traps.py shows.
import { type AnyModel, disposeAdapter, hostArray, type TrainedAdapter, Weights } from '@peft/core';
import { requireClose } from '@peft/core/testing';
import { type LoraOptions, lora } from '@peft/lora';
import { normals } from '@peft/ops';
import * as tf from '@tensorflow/tfjs';
import { beforeAll, describe, expect, test } from 'vitest';
import { deltaIn, mergedDelta } from '../../test/combine/deltaIn.ts';
import { drawnAdapter, trainedOf } from '../../test/combine/drawnAdapter.ts';
import { manyKinds } from '../../test/combine/manyKinds.ts';
import { agreeingMean } from './agreeingMean.ts';
import { combineAdapters } from './combineAdapters.ts';
import type { CombineOptions } from './combineOptions.ts';
import { keepLargest } from './keepLargest.ts';

const [rows, columns] = [64, 48];
const target = { path: 'l', kind: 'dense', shape: [rows, columns] };
const model: AnyModel = {
  targets: [target],
  weights: new Weights([['l.weight', hostArray(normals(1, rows * columns), [rows, columns])]]),
  apply() {
    throw new Error('this model is never called');
  },
};

beforeAll(async () => {
  await tf.setBackend('cpu');
});

const added = (scale: number, left: Float64Array, right: Float64Array) =>
  left.map((value, at) => scale * value + scale * (right[at] as number));

/** A LoRA of rank 4 and alpha 12 unless said otherwise. */
function adapted(seed: number, options: LoraOptions = {}): TrainedAdapter {
  const all = { rank: 4, alpha: 12, ...options };
  const pair = {
    a: tf.tensor(normals(seed, rows * all.rank), [rows, all.rank]),
    b: tf.tensor(normals(seed + 100, all.rank * columns), [all.rank, columns]),
  };
  const magnitude = tf.tensor(normals(seed + 200, columns).map((value) => 8 + value));
  return trainedOf(model, [target], {
    strategy: lora(all) as unknown as TrainedAdapter['strategy'],
    params: { l: all.dora ? { ...pair, magnitude } : pair },
    state: {},
    finished: [],
  });
}

async function combined(adapters: readonly TrainedAdapter[], weights: readonly number[], options: CombineOptions) {
  const weighted = adapters.map((adapter, at) => ({ adapter, weight: weights[at] as number }));
  const { adapter, report } = await combineAdapters(model, weighted, options);
  const delta = deltaIn(adapter, 'l') ?? new Float64Array(rows * columns);
  disposeAdapter(adapter);
  return { delta, report };
}

const own = (adapter: TrainedAdapter) => deltaIn(adapter, 'l') as Float64Array;
const close = (actual: Float64Array, expected: Float64Array, tolerance = 1e-6) =>
  requireClose(actual, expected, { what: 'change', tolerance });

describe('Python PEFT: method svd applied the scaling twice up to 0.20, a sum 3.0 times too large for scaling 3; 0.21.2 no longer does (4.4)', () => {
  test('here: the scaling counts once', async () => {
    const [one, two] = [adapted(1), adapted(2)];
    const { delta } = await combined([one, two], [0.5, 0.5], { method: 'svd', rank: 'full' });
    close(delta, added(0.5, own(one), own(two)));
  });
});

describe('Python PEFT: method linear adds factors, so the factors of one adapter meet those of another: norm 1.55 times the sum, cosine 0.78, error 99 %; unequal ranks raise (4.4)', () => {
  test('here: linear is the sum of the changes at its own rank, whatever the ranks', async () => {
    const [one, two] = [adapted(1), adapted(2, { rank: 2 })];
    const { delta, report } = await combined([one, two], [1, 1], { method: 'linear' });
    close(delta, added(1, own(one), own(two)));
    expect(report[0]?.rank).toBe(6);
  });
});

describe('Python PEFT: adapters of rsLoRA combine to 2.83 times their sum by cat, since the new adapter is scaled by the root of its rank too (4.4, peft#3449)', () => {
  test('here: the result is as large as what it is made of', async () => {
    const [one, two] = [adapted(1, { rsLora: true }), adapted(2, { rsLora: true })];
    const { delta } = await combined([one, two], [1, 1], { method: 'cat' });
    close(delta, added(1, own(one), own(two)));
  });
});

describe('Python PEFT: of DoRA the magnitudes are left out without a word: the mean of two by cat is off by 41 % (4.4, peft#3761)', () => {
  test('here: DoRA counts by the change of the weight, magnitude included; cat refuses it by name', async () => {
    const [one, two] = [adapted(1, { dora: true }), adapted(2, { dora: true })];
    const { delta } = await combined([one, two], [0.5, 0.5], { method: 'svd', rank: 'full' });
    close(delta, added(0.5, await mergedDelta(model, one, 'l'), await mergedDelta(model, two, 'l')), 2e-6);
    await expect(combined([one, two], [0.5, 0.5], { method: 'cat' })).rejects.toThrow(
      'adapters[0], of strategy "dora", changes weights by more than products of two factors',
    );
  });
});

describe('Python PEFT: AdaLoRA raises TypeError in add_weighted_adapter, and convert_to_lora refuses it (D12)', () => {
  test('here: AdaLoRA combines by every method, with LoRA too, and by itself becomes a LoRA', async () => {
    const kinds = manyKinds();
    const [one, two] = [await drawnAdapter(kinds, 'adalora', 1), await drawnAdapter(kinds, 'lora', 2)];
    const { adapter } = await combineAdapters(kinds, [one, two]);
    for (const { path } of adapter.targets) {
      const parts = [one, two].flatMap(({ deltas }) => deltas[path] ?? []);
      close(
        deltaIn(adapter, path) as Float64Array,
        parts.length === 1 ? (parts[0] as Float64Array) : added(1, ...(parts as [Float64Array, Float64Array])),
      );
    }
    const { adapter: alone } = await combineAdapters(kinds, [one], { method: 'cat' });
    expect(alone.strategy.name).toBe('lora');
    for (const { path } of alone.targets) close(deltaIn(alone, path) as Float64Array, one.deltas[path] as Float64Array);
  });
});

describe('Python PEFT: with a single adapter every method becomes linear: magnitude_prune and ties_svd at density 0.1 prune nothing (4.4)', () => {
  test('here: one adapter is pruned as several are', async () => {
    const one = adapted(1);
    const expected = keepLargest(own(one), 0.1);
    expect(expected.filter((value) => value !== 0).length).toBe(Math.floor(rows * columns * 0.1));
    for (const method of ['magnitudePrune', 'ties'] as const) {
      const { delta } = await combined([one], [1], { method, density: 0.1, rank: 'full' });
      close(delta, expected);
    }
  });
});

describe('Python PEFT: ties prunes and elects within the factors, not within the changes: against ties on the changes, cosine 0.52, norm 1.15 times (4.4)', () => {
  test('here: ties is that of the changes', async () => {
    const [one, two] = [adapted(1), adapted(2)];
    const { delta } = await combined([one, two], [1, 1], { method: 'ties', density: 0.5, rank: 'full' });
    const trimmed = [one, two].map((adapter) => ({ values: keepLargest(own(adapter), 0.5), weight: 1 }));
    close(delta, agreeingMean(trimmed, 'total'));
  });
});

describe('Python PEFT: an adapter of weight 0 still votes in ties and is counted in the mean: beside one of weight 1, norm 0.73 times, error 46 % (4.4)', () => {
  test('here: weight 0 is absence', async () => {
    const [one, two] = [adapted(1), adapted(2)];
    const { delta } = await combined([one, two], [1, 0], { method: 'ties', density: 1, rank: 'full' });
    close(delta, own(one));
  });
});

describe('Python PEFT: ties by frequency gives every draw of signs to the positive one: of two adapters negated, the result is not negated but has cosine 0.10 with that (4.4)', () => {
  test('here: a draw goes to the larger sum, and the negated adapters give the negated result', async () => {
    const [one, two] = [adapted(1), adapted(2)];
    const options = { method: 'ties', density: 1, election: 'frequency', rank: 'full' } as const;
    const { delta } = await combined([one, two], [1, 1], options);
    const { delta: negated } = await combined([one, two], [-1, -1], options);
    close(
      negated,
      delta.map((value) => -value),
    );
  });
});

describe('Python PEFT: density 0.29 of 100 values keeps 28, for 0.29 * 100 rounds to less than 29 (4.4)', () => {
  test('here: 29', () => {
    const values = Float64Array.from({ length: 100 }, (_, at) => at + 1);
    expect(keepLargest(values, 0.29).filter((value) => value !== 0).length).toBe(29);
  });
});

describe('Python PEFT: adapters that trained the same module whole raise ValueError (4.4)', () => {
  test('here: their differences from the base add up', async () => {
    const trained = (seed: number): TrainedAdapter => ({
      ...adapted(seed),
      targets: [],
      trained: { 'l.weight': tf.tensor(normals(seed, rows * columns), [rows, columns]) },
      modulesToSave: ['l'],
    });
    const [one, two] = [trained(1), trained(2)];
    const adapters = [one, two].map((adapter) => ({ adapter, weight: 0.5 }));
    const { adapter } = await combineAdapters(model, adapters);
    const values = [one, two].map((each) => each.trained['l.weight']?.dataSync() as Float32Array);
    const mean = (values[0] as Float32Array).map((value, at) => (value + (values[1]?.[at] ?? 0)) / 2);
    requireClose(adapter.trained['l.weight']?.dataSync() as Float32Array, mean, { what: 'mean', tolerance: 1e-6 });
  });
});
