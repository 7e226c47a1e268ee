import {
  type AnyModel,
  attach,
  batches,
  evaluate,
  type HostArray,
  regression,
  type TrainedAdapter,
  Weights,
} from '@peft/core';
import { requireClose, toyData, toyModel } from '@peft/core/testing';
import { lora } from '@peft/lora';
import * as tf from '@tensorflow/tfjs';
import '@tensorflow/tfjs-backend-wasm';
import { afterEach, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import { adapterOf, outputOf, plainLora, valuesOf } from '../test/index.ts';
import { type AdapterSet, adapterSet, describeAdapter, sumAdapters } from './index.ts';

let model: AnyModel;
let set: AdapterSet;
let trainedOf: (seed: number, options?: Parameters<typeof adapterOf>[2]) => Promise<TrainedAdapter>;
const seen = (options?: Parameters<AdapterSet['apply']>[1]) => outputOf((batch) => set.apply(batch, options));

/** Tensors beside the base's uploads. */
const live = () => tf.memory().numTensors - model.weights.uploads;

beforeAll(async () => {
  await tf.setBackend('cpu');
});

beforeEach(() => {
  model = toyModel();
  set = adapterSet(model);
  trainedOf = (seed, options) => adapterOf(model, plainLora(), { seed, ...options });
});

afterEach(async () => {
  await set.dispose();
  model.weights.dispose();
});

describe('activity', () => {
  it('begins with none, and none is the base', async () => {
    await set.add('a', await trainedOf(1));
    expect([...set.active]).toEqual([]);
    const none = seen();
    await set.activate('a');
    expect([...set.active]).toEqual([['a', 1]]);
    expect([...seen()]).not.toEqual([...none]);
    await set.activate([]);
    requireClose(seen(), none, { what: 'none again' });
    await set.activate({});
    requireClose(seen(), none, { what: 'no weights' });
  });

  it('a choice of a call leaves the active ones alone, also while disabled', async () => {
    await set.add('a', await trainedOf(1));
    await set.add('b', await trainedOf(2));
    await set.activate('b');
    const b = seen();
    await set.activate('a');
    const a = seen();
    requireClose(seen({ adapters: 'b' }), b, { what: 'b for a call' });
    requireClose(seen(), a, { what: 'a after it' });
    set.disable();
    requireClose(seen({ adapters: 'b' }), b, { what: 'b while disabled' });
    requireClose(seen({ rows: ['a', 'a', 'a', 'a', 'a'] }), a, { what: 'a for all rows while disabled' });
  });

  it('whileDisabled goes back to what was before: by value, by promise, when it throws, and nested', async () => {
    await set.add('a', await trainedOf(1));
    await set.activate('a');
    await set.merge();
    const [on, base] = [seen(), seen({ adapters: [] })];
    requireClose(
      set.whileDisabled(() => seen()),
      base,
      { what: 'within' },
    );
    requireClose(seen(), on, { what: 'after' });
    const failure = () =>
      set.whileDisabled(() => {
        throw new Error('mine');
      });
    expect(failure).toThrow('mine');
    expect(set.isEnabled).toBe(true);
    const pending = set.whileDisabled(async () => {
      await Promise.resolve();
      set.whileDisabled(() => {});
      return set.isEnabled;
    });
    expect(set.isEnabled).toBe(false);
    expect(await pending).toBe(false);
    expect(set.isEnabled).toBe(true);
    await expect(set.whileDisabled(() => Promise.reject(new Error('later')))).rejects.toThrow('later');
    expect(set.isEnabled).toBe(true);
    set.disable();
    set.whileDisabled(() => {});
    expect(set.isEnabled).toBe(false);
    set.enable();
    expect(set.isMerged).toBe(true);
    requireClose(seen(), on, { what: 'merged still' });
  });
});

describe('merging', () => {
  it('1,000 cycles change no bit, neither of the base nor of what is merged', async () => {
    await set.add('a', await trainedOf(1, { modulesToSave: ['head'], targets: ['embed', 'query'] }));
    await set.add('b', await adapterOf(model, lora({ dora: true }) as never));
    await set.activate({ a: 0.7, b: 0.9 });
    const [before, base] = [seen(), valuesOf(model.weights)];
    await set.merge();
    const merged = seen();
    const tensors = tf.memory().numTensors;
    for (let cycle = 0; cycle < 1000; cycle++) {
      await set.unmerge();
      await set.merge();
    }
    requireClose(seen(), merged, { what: 'merged the 1,001st time' });
    expect(tf.memory().numTensors).toBe(tensors);
    await set.unmerge();
    requireClose(seen(), before, { what: 'unmerged' });
    for (const [path, values] of Object.entries(base)) {
      requireClose(valuesOf(model.weights)[path] as Float32Array, values, { what: path });
    }
  });

  it('is dropped by a change of activity and by a swap of what is active, and kept by all else', async () => {
    await set.add('a', await trainedOf(1));
    await set.activate('a');
    await set.merge();
    await set.merge();
    await set.activate({ a: 1 });
    await set.add('b', await trainedOf(2));
    await set.swap('b', await trainedOf(3));
    await set.remove('b');
    expect(set.isMerged).toBe(true);
    await set.activate({ a: 0.5 });
    expect(set.isMerged).toBe(false);
    await set.merge();
    await set.swap('a', await trainedOf(4));
    expect(set.isMerged).toBe(false);
    await set.unmerge();
  });

  it('refuses values that are not finite, and changes nothing', async () => {
    await set.add('sound', await trainedOf(1));
    const broken = await trainedOf(2);
    const { a } = (broken.adapter.params as Record<string, { a: tf.Tensor }>)['layer.0.query'] as { a: tf.Tensor };
    const spoilt = {
      ...broken.adapter.params,
      'layer.0.query': { ...(broken.adapter.params['layer.0.query'] as object), a: tf.mul(a, Infinity) },
    };
    a.dispose();
    await set.add('broken', { ...broken, adapter: { ...broken.adapter, params: spoilt as never } });
    await set.activate({ sound: 1, broken: 0.5 });
    const tensors = live();
    await expect(set.merge()).rejects.toThrow(
      'adapterSet: merging "broken" would put 36 values that are not finite into "layer.0.query.weight"; nothing was merged. Train or load a sound adapter, lower its weight, or merge with safe: false.',
    );
    expect([set.isMerged, live()]).toEqual([false, tensors]);
    await set.merge({ safe: false });
    expect(set.isMerged).toBe(true);
  });

  it('does not hold against adapters what is not finite in the base', async () => {
    const values = (model.weights.get('head.weight').data as Float32Array).slice();
    values[4] = Number.NaN;
    const arrays = model.weights.paths.map((path): [string, HostArray] => {
      const array = model.weights.get(path);
      return [path, path === 'head.weight' ? { ...array, data: values } : array];
    });
    const spoilt: AnyModel = { ...model, weights: new Weights(arrays) };
    const { fingerprint: _, ...trained } = await trainedOf(1);
    const lenient = adapterSet(spoilt);
    await lenient.add('a', { ...trained, fingerprint: spoilt.weights.fingerprint() });
    await lenient.activate('a');
    await lenient.merge();
    expect(lenient.isMerged).toBe(true);
    await lenient.dispose();
    spoilt.weights.dispose();
  });

  it('of a sum that overflows where no adapter alone does names all of them', async () => {
    const huge = async (seed: number) => {
      const trained = await adapterOf(model, undefined, { modulesToSave: ['head'], seed });
      tf.dispose(trained.trained);
      return { ...trained, trained: { 'head.bias': tf.fill([3], 2e38), 'head.weight': tf.zeros([6, 3]) } };
    };
    await set.add('a', await huge(1));
    await set.add('b', await huge(2));
    await set.activate(['a', 'b']);
    await expect(set.merge()).rejects.toThrow(
      'adapterSet: merging "a", "b" would put 3 values that are not finite into "head.bias"; nothing was merged.',
    );
  });
});

describe('swapping', () => {
  it('keeps weight and activity, and frees the former', async () => {
    await set.add('a', await trainedOf(1));
    await set.add('b', await trainedOf(2));
    await set.activate({ a: 0.5, b: 2 });
    const replacement = await trainedOf(3);
    const tensors = tf.memory().numTensors;
    await set.swap('a', replacement);
    expect([...set.active]).toEqual([
      ['a', 0.5],
      ['b', 2],
    ]);
    // The 8 factors of the former are gone.
    expect(tf.memory().numTensors).toBe(tensors - 8);
    await set.add('c', await trainedOf(3));
    requireClose(seen(), seen({ adapters: { b: 2, c: 0.5 } }), { what: 'as if c', tolerance: 1e-6 });
  });

  it('with itself, or with a copy, changes nothing bit for bit', async () => {
    const patterned = lora({ rank: 4, alpha: 6, rankPattern: { query: 2 } });
    const make = () => adapterOf(model, patterned as never, { seed: 4 });
    const trained = await make();
    await set.add('a', trained);
    for (const choice of ['a', { a: 0.3 }]) {
      await set.activate(choice);
      const before = seen();
      await set.swap('a', trained);
      requireClose(seen(), before, { what: 'with itself' });
      await set.swap('a', { ...trained });
      requireClose(seen(), before, { what: 'with the same tensors' });
    }
    const before = seen();
    await set.swap('a', await make());
    requireClose(seen(), before, { what: 'with a copy' });
  });

  it('that fails leaves the old one serving', async () => {
    await set.add('a', await trainedOf(1));
    await set.activate('a');
    await set.merge();
    const before = seen();
    const foreign = await adapterOf(toyModel(2), plainLora());
    const tensors = tf.memory().numTensors;
    await expect(set.swap('a', foreign)).rejects.toThrow('fingerprint');
    expect([set.isMerged, tf.memory().numTensors]).toEqual([true, tensors]);
    requireClose(seen(), before, { what: 'output' });
  });
});

describe('as adapters', () => {
  it('a sum is evaluated, and frees what it made', async () => {
    const [a, b] = [await trainedOf(1), await trainedOf(2)];
    const tensors = live();
    const sum = await sumAdapters(model, [{ adapter: a, weight: 0.5 }, { adapter: b }]);
    const data = batches(toyData(), { batchSize: 6 });
    const { loss } = await evaluate(model, { data, loss: regression(), adapter: sum.adapter });
    expect(loss).toBeGreaterThan(0);
    sum.dispose();
    expect(live()).toBe(tensors);
    await set.add('a', a);
    await set.add('b', b);
  });

  it('are taken out as they were', async () => {
    const trained = await trainedOf(1);
    await set.add('a', trained);
    expect(await set.take('a')).toBe(trained);
    expect(set.names).toEqual([]);
    await set.add('again', trained);
  });

  it('say how much they change', async () => {
    const trained = await trainedOf(1, { modulesToSave: ['head'], targets: ['embed', 'query'] });
    await set.add('a', trained);
    await set.activate({ a: 0.5 });
    const [a] = await set.describe();
    expect(a).toMatchObject({ name: 'a', weight: 0.5, method: 'lora', finishedLinks: 0 });
    expect(a?.adapted.map(({ path }) => path)).toEqual([
      'embed.weight',
      'layer.0.query.weight',
      'layer.1.query.weight',
    ]);
    expect(a?.trained.map(({ path }) => path)).toEqual(['head.bias', 'head.weight']);
    const attached = await attach(model, trained);
    for (const { path, change, base, relative } of [...(a?.adapted ?? []), ...(a?.trained ?? [])]) {
      const before = model.weights.get(path).data as Float32Array;
      expect(base).toBeCloseTo(Math.hypot(...before), 5);
      expect(relative).toBe(change / base);
      expect(change).toBeGreaterThan(0);
    }
    attached.dispose();
    expect(await describeAdapter(model, trained)).toEqual({ ...a, name: undefined, weight: undefined });
  });
});

it.each(['cpu', 'wasm'])('live tensors come back to where they were on %s', async (backend) => {
  await tf.setBackend(backend);
  const before = tf.memory().numTensors;
  const own = toyModel();
  const many = adapterSet(own);
  await many.add('a', await adapterOf(own, plainLora()));
  await many.add(
    'b',
    await adapterOf(own, lora({ dora: true }) as never, { modulesToSave: ['head'], targets: ['query'] }),
  );
  await many.activate({ a: 0.5, b: 1 });
  const liveNow = () => tf.memory().numTensors - own.weights.uploads;
  const served = liveNow();
  const rows = ['a', 'b', undefined, { a: 2 }, 'b'];
  outputOf((batch) => many.apply(batch, { rows }));
  await many.merge();
  outputOf((batch) => many.apply(batch));
  await many.unmerge();
  expect(liveNow()).toBe(served);
  await many.activate([]);
  await many.remove('a');
  await many.dispose();
  own.weights.dispose();
  expect(tf.memory().numTensors).toBe(before);
  await tf.setBackend('cpu');
});
