import { type AnyStrategy, type Context, type LinearCall, sgd, type Target } from '@peft/core';
import { cubicBudget } from '@peft/schedulers';
import * as tf from '@tensorflow/tfjs';
import '@tensorflow/tfjs-backend-wasm';
import { beforeAll, describe, expect, test } from 'vitest';
import { layerStack } from '../test/layerStack.ts';
import { liveCount, stateValues } from '../test/stateValues.ts';
import { toyRun } from '../test/toyRun.ts';
import { type AdaLoraOptions, type AdaLoraState, adalora, type RankAllocator, rankPattern } from './index.ts';

const dense: Target = { path: 'layer.0', kind: 'dense', shape: [5, 3] };
const table: Target = { path: 'embed', kind: 'embedding', shape: [7, 3] };

function context(targets: readonly Target[], totalSteps = 20): Context {
  return { targets, seed: 7, totalSteps, weightOf: () => tf.zeros([1]) };
}

function callOf(input: tf.Tensor, output: tf.Tensor, training = false): LinearCall {
  return { input, output, weight: tf.zeros([5, 3]), training, dropoutKey: tf.tensor1d([1, 2], 'int32') };
}

describe.each(['cpu', 'wasm'])('on %s', (backend) => {
  beforeAll(async () => {
    await tf.setBackend(backend);
  });

  test('a fresh adapter: a and b normal with deviation 0.02, lambda 0, every triplet live', async () => {
    const { params, state } = adalora({ initRank: 40 }).init(context([{ ...dense, shape: [50, 30] }]));
    const { a, lambda, b } = params['layer.0'] as NonNullable<(typeof params)[string]>;
    expect([a.shape, lambda.shape, b.shape]).toEqual([[50, 40], [40], [40, 30]]);
    for (const factor of [a, b]) {
      const { mean, variance } = tf.moments(factor);
      expect(Math.abs((await mean.data())[0] as number)).toBeLessThan(0.002);
      expect(Math.sqrt((await variance.data())[0] as number)).toBeCloseTo(0.02, 2.5);
    }
    expect(await lambda.data()).toEqual(new Float32Array(40));
    expect(await rankPattern(state)).toEqual({ 'layer.0': Array(40).fill(true) });
    expect(await a.data()).not.toEqual((await b.data()).slice(0, a.size));
  });

  test('A2: at first the task moves lambda alone', async () => {
    const { events, saves, result } = await toyRun(
      adalora({ initRank: 3, targetRank: 1, orthogonality: 0, warmupSteps: 2 }),
      {
        steps: 4,
        optimizer: sgd(),
      },
    );
    const fresh = adalora({ initRank: 3, targetRank: 1 }).init({
      ...context(layerStack([6, 5, 4], 3).targets),
      seed: 0,
    });
    for (const [path, { a, b }] of Object.entries(fresh.params)) {
      const first = saves[0] as NonNullable<(typeof saves)[0]>;
      expect(stateValues(first, `adapter/${path}/a`)).toEqual([...(await a.data())]);
      expect(stateValues(first, `adapter/${path}/b`)).toEqual([...(await b.data())]);
      expect(stateValues(first, `adapter/${path}/lambda`).every((value) => value !== 0)).toBe(true);
    }
    expect(events.length).toBeGreaterThan(4);
    result.dispose();
  });

  test.each([
    [{}, 16 / 12],
    [{ compat: 'peft' }, 16 / 12.00001],
  ] as const)('A3: the scale of %o is alpha / initRank, in forward, merge and factors', async (more, scale) => {
    const options: AdaLoraOptions = { initRank: 12, targetRank: 1, alpha: 16, ...more };
    const strategy = adalora(options);
    const { state } = strategy.init(context([dense]));
    const ones = { a: tf.ones([5, 1]), lambda: tf.ones([1]), b: tf.ones([1, 3]) };
    const adapter = { params: { 'layer.0': ones }, state: { ...state } as AdaLoraState };
    const output = strategy.forward(adapter, dense, callOf(tf.ones([1, 5]), tf.zeros([1, 3])));
    const merged = strategy.merge(adapter, dense, tf.zeros([5, 3]));
    const pair = strategy.factors?.(adapter, dense);
    expect((await output.data())[0]).toBeCloseTo(5 * scale, 5);
    expect((await merged.data())[0]).toBeCloseTo(scale, 6);
    expect((await tf.matMul(pair?.a as tf.Tensor2D, pair?.b as tf.Tensor2D).data())[4]).toBeCloseTo(scale, 6);
    expect(strategy.options.scaling).toBe(scale);
  });

  test.each<[string, AdaLoraOptions]>([
    ['every step', { allocateEvery: 1 }],
    ['every third step', { allocateEvery: 3 }],
    ['every step before the optimizer', { scoring: 'before' }],
    ['every step without compaction', { compact: false }],
    ['never, for budgets that never fall', { initRank: 2, targetRank: 2 }],
  ])('A6: after a pruning exactly the budget lives; pruning %s', async (_, more) => {
    const options = { initRank: 4, targetRank: 1, warmupSteps: 3, finalSteps: 8, ...more };
    const { saves, result } = await toyRun(adalora(options));
    const budget = cubicBudget({
      initialBudget: options.initRank * 2,
      targetBudget: options.targetRank * 2,
      warmupSteps: 3,
      finalSteps: 8,
    });
    let expected = options.initRank * 2;
    for (const [index, save] of saves.entries()) {
      const step = index + 1;
      const isPruning = step === 16 || (step > 3 && step < 16 && step % (options.allocateEvery ?? 1) === 0);
      if (isPruning) expected = budget(step, 24);
      expect(liveCount(save), `step ${step}`).toBe(expected);
      if (isPruning && step < 16) {
        const lambdas = ['l0', 'l1'].flatMap((path) => stateValues(save, `adapter/${path}/lambda`));
        expect(lambdas.filter((value) => value !== 0).length, `step ${step}`).toBe(expected);
      }
    }
    expect(expected).toBe(options.targetRank * 2);
    result.dispose();
  });

  test('pruned triplets train between prunings and may come back', async () => {
    const options = { initRank: 4, targetRank: 1, warmupSteps: 2, finalSteps: 2, allocateEvery: 4 };
    const { saves, result } = await toyRun(adalora(options));
    const alive = (index: number) =>
      ['l0', 'l1'].flatMap((path) =>
        stateValues(saves[index] as NonNullable<(typeof saves)[0]>, `adapter/${path}/lambda`),
      );
    expect(alive(7).filter((value) => value !== 0).length).toBeLessThan(8);
    expect(alive(8).filter((value) => value !== 0).length).toBe(8);
    result.dispose();
  });

  test.each<AdaLoraOptions>([{ compact: false }, { compat: 'peft' }])(
    'A7: with %o a dead lambda is 0 at every forward of 100 final Adam steps, decay and momentum or not',
    async (more) => {
      const strategy = adalora({ initRank: 4, targetRank: 1, warmupSteps: 2, finalSteps: 100, ...more });
      let checked = 0;
      const watched: AnyStrategy = {
        ...(strategy as AnyStrategy),
        forward(adapter, target, call) {
          const { mask, step } = adapter.state as AdaLoraState;
          if (step >= 12) {
            const lambda = (adapter.params as Record<string, Record<string, tf.Tensor>>)[
              target.path
            ]?.lambda?.dataSync();
            const live = mask[target.path]?.dataSync();
            expect(lambda?.every((value, i) => live?.[i] === 1 || value === 0)).toBe(true);
            checked += live?.filter((is) => is === 0).length ?? 0;
          }
          return strategy.forward(adapter as never, target, call);
        },
      };
      const { result } = await toyRun(watched, { steps: 112, checkpoints: undefined });
      expect(checked).toBe(100 * 6);
      result.dispose();
    },
  );

  test('compaction: later steps equal those of the run that keeps its dead triplets', async () => {
    const options = { initRank: 4, targetRank: 1, warmupSteps: 3, finalSteps: 14 };
    const compacted = await toyRun(adalora(options), { maxGradientNorm: 0.3 });
    const kept = await toyRun(adalora({ ...options, compact: false }), { maxGradientNorm: 0.3 });
    const losses = ({ events }: typeof kept) =>
      events.flatMap((event) => (event.type === 'step' ? [event.loss, event.penalty, event.gradientNorm] : []));
    const [left, right] = [losses(compacted), losses(kept)];
    expect(left.length).toBe(72);
    for (const [i, value] of left.entries())
      expect(Math.abs(value - (right[i] as number))).toBeLessThan(1e-6 * value + 1e-7);
    expect(compacted.events.filter((event) => event.type === 'effect').length).toBe(1);
    expect(kept.events.filter((event) => event.type === 'effect')).toEqual([]);
    const last = compacted.saves.at(-1) as NonNullable<(typeof kept.saves)[0]>;
    const sizes = ['l0', 'l1'].map((path) =>
      `adapter/${path}/lambda` in last.tensors ? stateValues(last, `adapter/${path}/lambda`).length : 0,
    );
    expect(sizes.reduce((sum, size) => sum + size, 0)).toBe(2);
    expect(Object.keys(last.tensors).filter((path) => path.includes('averages'))).toEqual([]);
    compacted.result.dispose();
    kept.result.dispose();
  });

  test('at rank 0 a target has no leaves, no factors, and the output and weight of the base', async () => {
    const strategy = adalora({ initRank: 3, targetRank: 0, warmupSteps: 2, finalSteps: 4 });
    const { result } = await toyRun(strategy, { steps: 12 });
    const { adapter } = result.adapter;
    expect(adapter.params).toEqual({});
    expect(await rankPattern(adapter.state as AdaLoraState)).toEqual({
      l0: [false, false, false],
      l1: [false, false, false],
    });
    const output = tf.ones([1, 3]);
    const weight = tf.ones([5, 3]);
    const target = { ...dense, path: 'l0' };
    expect(strategy.forward(adapter as never, target, callOf(tf.ones([1, 5]), output))).toBe(output);
    expect(await strategy.merge(adapter as never, target, weight).data()).toEqual(await weight.data());
    expect(strategy.factors?.(adapter as never, target)).toBeUndefined();
    result.dispose();
  });

  test('an embedding: ids through a, lambda and b', async () => {
    const strategy = adalora({ initRank: 2, targetRank: 1, alpha: 4 });
    const { state } = strategy.init(context([table]));
    const params = {
      embed: {
        a: tf.range(0, 14).reshape([7, 2]),
        lambda: tf.tensor1d([1, 10]),
        b: tf.tensor2d([1, 0, 1, 0, 1, 1], [2, 3]),
      },
    };
    const ids = tf.tensor2d([3, 0], [1, 2], 'int32');
    const output = strategy.forward({ params, state }, table, callOf(ids, tf.zeros([1, 2, 3])));
    // Row 3 of a is (6, 7), row 0 is (0, 1); scale 2.
    expect([...(await output.data())]).toEqual([12, 140, 152, 0, 20, 20]);
  });

  test('dropout acts on the input, in training only', async () => {
    const strategy = adalora({ initRank: 1, targetRank: 1, alpha: 1, dropout: 0.5 });
    const wide: Target = { ...dense, shape: [1000, 1] };
    const { state } = strategy.init(context([wide]));
    const adapter = {
      params: { 'layer.0': { a: tf.ones([1000, 1]), lambda: tf.ones([1]), b: tf.ones([1, 1]) } },
      state,
    };
    const outputOf = async (training: boolean) =>
      (
        await strategy.forward(adapter, wide, callOf(tf.ones([1, 1000]), tf.zeros([1, 1]), training)).data()
      )[0] as number;
    expect(await outputOf(false)).toBe(1000);
    const dropped = await outputOf(true);
    expect(dropped).not.toBe(1000);
    expect(dropped % 2).toBe(0);
    expect(Math.abs(dropped - 1000)).toBeLessThan(150);
  });

  test.each<[string, (params: Record<string, { lambda: tf.Tensor }>) => Record<string, tf.Tensor>, number[]]>([
    [
      'the same rank for every target',
      (params) => Object.fromEntries(Object.keys(params).map((path) => [path, tf.tensor1d([1, 0, 0, 0])])),
      [1, 1],
    ],
    [
      'all to one target',
      (params) =>
        Object.fromEntries(Object.keys(params).map((path) => [path, tf.fill([4], path === 'l1' ? 0.5 : 0).mul(2)])),
      [0, 4],
    ],
  ])('another allocator can be plugged in: %s', async (name, allocate, ranks) => {
    const budgets: number[] = [];
    const allocator: RankAllocator = {
      name,
      allocate({ scores, params, budget }) {
        expect(Object.keys(scores).sort()).toEqual(['l0', 'l1']);
        budgets.push(budget.dataSync()[0] as number);
        return allocate(params);
      },
    };
    const { result } = await toyRun(adalora({ initRank: 4, targetRank: 1, warmupSteps: 3, finalSteps: 8, allocator }));
    const pattern = await rankPattern(result.adapter.adapter.state as AdaLoraState);
    expect(Object.values(pattern).map((live) => live.filter(Boolean).length)).toEqual(ranks);
    expect(budgets.slice(0, 4)).toEqual([8, 8, 8, 6]);
    expect(budgets.at(-1)).toBe(2);
    result.dispose();
  });

  test('the budget is met, and a state a candidate for best, from the last pruning on', () => {
    const strategy = adalora({ initRank: 4, targetRank: 1, warmupSteps: 3, finalSteps: 8 });
    const { state } = strategy.init(context([dense], 24));
    const settled = [15, 16, 24].map((step) => strategy.isSettled?.(state, { step, totalSteps: 24 }));
    expect(settled).toEqual([false, true, true]);
    const level = adalora({ initRank: 4, targetRank: 4 });
    expect(level.isSettled?.(level.init(context([dense], 24)).state, { step: 1, totalSteps: 24 })).toBe(true);
  });

  test('no targets: nothing to do, and no error', async () => {
    const strategy = adalora({ initRank: 4, targetRank: 1 });
    const adapter = strategy.init(context([]));
    expect(adapter.params).toEqual({});
    expect((await strategy.penalty?.(adapter).data())?.[0]).toBe(0);
  });
});

test('targetBudget is for all targets together, and cannot exceed what they have', async () => {
  const { result } = await toyRun(adalora({ initRank: 4, targetBudget: 3, warmupSteps: 3, finalSteps: 8 }));
  const pattern = await rankPattern(result.adapter.adapter.state as AdaLoraState);
  expect(Object.values(pattern).flat().filter(Boolean).length).toBe(3);
  result.dispose();
  expect(() => adalora({ initRank: 4, targetBudget: 9 }).init(context([dense, table]))).toThrow(
    'adalora: targetBudget 9 is larger than the 8 ranks that 2 targets of initRank 4 have; lower targetBudget or raise initRank.',
  );
});

test('a life too short for its phases is refused when it begins', () => {
  expect(() => adalora({ warmupSteps: 10, finalSteps: 10 }).init(context([dense], 20))).toThrow(
    'adalora: warmupSteps 10 and finalSteps 10 leave no step of a life of 20 for the budget to fall; shorten them or train longer.',
  );
});
