import { cola } from '@peft/cola';
import {
  disposeAdapter,
  layerKindOf,
  mergeAdapter,
  perTarget,
  readSnapshot,
  type Target,
  type TrainedAdapter,
} from '@peft/core';
import { requireClose } from '@peft/core/testing';
import { lora } from '@peft/lora';
import { normals } from '@peft/ops';
import * as tf from '@tensorflow/tfjs';
import { beforeAll, describe, expect, it } from 'vitest';
import { model } from '../../test/combine/combining.ts';
import { mergedDelta } from '../../test/combine/deltaIn.ts';
import { drawnAdapter, trainedOf } from '../../test/combine/drawnAdapter.ts';
import { drawnRows } from '../../test/combine/drawnRows.ts';
import { combineAdapters } from './combineAdapters.ts';
import { combineIntoWeights } from './combineIntoWeights.ts';

beforeAll(async () => {
  await tf.setBackend('cpu');
});

/** A DoRA adapter of every target with drawn factors and magnitudes. */
function dora(seed: number, targets: readonly Target[] = model.targets): TrainedAdapter {
  const random = (shape: readonly number[], at: number) =>
    tf.tensor(
      normals(
        seed + at,
        shape.reduce((size, length) => size * length, 1),
      ),
      [...shape],
    );
  const params = Object.fromEntries(
    targets.map((target, at) => {
      const { a, b } = layerKindOf(target).factorShapes(target, 2);
      const magnitude = tf.abs(random([layerKindOf(target).fans(target).fanOut], 100 + at));
      return [target.path, { a: random(a, at), b: random(b, 50 + at), magnitude }];
    }),
  );
  const strategy = lora({ rank: 2, dora: true }) as unknown as TrainedAdapter['strategy'];
  return trainedOf(model, targets, { strategy, params, state: {}, finished: [] });
}

describe('adapters that are more than products of factors', () => {
  it('combine by the change of the weight: DoRA at full rank is its merged weight, in every layout', async () => {
    const [one, two] = [dora(1), dora(2)];
    const adapters = [
      { adapter: one, weight: 0.5 },
      { adapter: two, weight: -1.5 },
    ];
    const { adapter } = await combineAdapters(model, adapters, { method: 'svd', rank: 'full' });
    const weights = await combineIntoWeights(model, adapters);
    for (const { path } of model.targets) {
      const [left, right] = [await mergedDelta(model, one, path), await mergedDelta(model, two, path)];
      const expected = left.map((value, at) => 0.5 * value - 1.5 * (right[at] as number));
      const base = model.weights.get(`${path}.weight`).data as Float32Array;
      requireClose(await mergedDelta(model, adapter, path), expected, { what: path, tolerance: 2e-6 });
      const written = weights.get(`${path}.weight`).data as Float32Array;
      requireClose(
        written.map((value, at) => value - (base[at] as number)),
        expected,
        { what: path, tolerance: 2e-6 },
      );
    }
    weights.dispose();
    for (const each of [adapter, one, two]) disposeAdapter(each);
  });

  it('combine with additive ones at a bounded rank, and trained rows count once', async () => {
    const one = { ...dora(3), tokenRows: { embed: drawnRows([0, 5], 4, ['tied']) } };
    const { adapter: two } = await drawnAdapter(model, 'chain', 5);
    const adapters = [{ adapter: one }, { adapter: two, weight: 0.3 }];
    const { adapter, report } = await combineAdapters(model, adapters, { method: 'svd', rank: 3 });
    expect(report.every(({ rank, error }) => rank === 3 && error > 1e-3)).toBe(true);
    disposeAdapter(adapter);
    const { adapter: whole } = await combineAdapters(model, adapters, { method: 'svd', rank: 'full' });
    const [merged, written] = [await mergeAdapter(model, whole), await combineIntoWeights(model, adapters)];
    for (const path of merged.paths) {
      const [left, right] = [merged.get(path).data, written.get(path).data] as [Float32Array, Float32Array];
      requireClose(left, right, { what: path, tolerance: 2e-6 });
    }
    const alone = await combineIntoWeights(model, [{ adapter: one }]);
    const direct = await mergeAdapter(model, one);
    for (const path of direct.paths) {
      const [left, right] = [alone.get(path).data, direct.get(path).data] as [Float32Array, Float32Array];
      requireClose(left, right, { what: path, tolerance: 2e-6 });
    }
  });

  it('keep no tensor alive beyond the result', async () => {
    const last = dora(1);
    const first = dora(2);
    const strategy = cola(lora({ rank: 2, dora: true }), { links: 2 }) as unknown as TrainedAdapter['strategy'];
    const link = {
      source: '0',
      targets: model.targets.map(({ path }) => path),
      params: await readSnapshot(first.adapter.params),
      state: {},
    };
    const state = { link: {}, index: 1, start: 1 };
    const one: TrainedAdapter = { ...last, strategy, finished: [link], adapter: { ...last.adapter, state } };
    for (const { path } of model.targets) model.weights.tensor(`${path}.weight`);
    const held = tf.memory().numTensors - model.weights.uploads;
    const { adapter } = await combineAdapters(model, [{ adapter: one }], { method: 'svd', rank: 1 });
    disposeAdapter(adapter);
    const weights = await combineIntoWeights(model, [{ adapter: one }]);
    const whole = await mergeAdapter(model, one);
    for (const path of whole.written) {
      const [left, right] = [weights.get(path).data, whole.get(path).data] as [Float32Array, Float32Array];
      requireClose(left, right, { what: path, tolerance: 1e-6 });
    }
    weights.dispose();
    whole.dispose();
    expect(tf.memory().numTensors - model.weights.uploads).toBe(held);
    disposeAdapter(one);
  });

  it('count as such where one of several routes is', async () => {
    const [embedding, ...others] = model.targets as [Target, ...Target[]];
    const [left, right] = [dora(1, [embedding]), dora(2, others)];
    const strategy = perTarget([
      { targets: ['embed'], strategy: lora({ rank: 2, dora: true }) },
      { targets: others.map(({ path }) => path), strategy: lora({ rank: 2 }) },
    ]) as unknown as TrainedAdapter['strategy'];
    const mixed: TrainedAdapter = {
      ...left,
      strategy,
      targets: model.targets,
      adapter: { params: { 0: left.adapter.params, 1: right.adapter.params }, state: { 0: {}, 1: {} } },
    };
    await expect(combineAdapters(model, [{ adapter: mixed }])).rejects.toThrow(
      'adapters[0], of strategy "perTarget(dora, lora)"',
    );
    const weights = await combineIntoWeights(model, [{ adapter: mixed }]);
    const merged = await mergeAdapter(model, mixed);
    for (const path of merged.paths) {
      const [actual, expected] = [weights.get(path).data, merged.get(path).data] as [Float32Array, Float32Array];
      requireClose(actual, expected, { what: path, tolerance: 1e-6 });
    }
  });
});
