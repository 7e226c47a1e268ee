import { type AnyModel, attach, eagerEngine, mergeAdapter, type TrainedAdapter } from '@peft/core';
import { requireClose, toyModel } from '@peft/core/testing';
import * as tf from '@tensorflow/tfjs';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { adapterOf, outputOf, plainLora, toyIds, valuesOf, variants } from '../test/index.ts';
import { type AdapterSet, adapterSet, sumAdapters } from './index.ts';

/** Rounding of float32 through four layers; the deltas here are as large as the weights. */
const tolerance = 2e-6;
const close = (actual: ArrayLike<number>, expected: ArrayLike<number>, what: string) =>
  requireClose(actual, expected, { what, tolerance });

beforeAll(async () => {
  await tf.setBackend('cpu');
});

describe.each(Object.entries(variants))('%s', (_name, { make, run }) => {
  let model: AnyModel;
  let set: AdapterSet;
  let own: TrainedAdapter;
  let tensorsBefore: number;
  const seen = (options?: Parameters<AdapterSet['apply']>[1]) => outputOf((batch) => set.apply(batch, options));

  beforeAll(async () => {
    model = toyModel();
    model.weights.fingerprint();
    tensorsBefore = tf.memory().numTensors;
    own = await adapterOf(model, make(), run);
    set = adapterSet(model, { engine: eagerEngine() });
    await set.add('own', own);
    await set.add(
      'other',
      await adapterOf(model, plainLora(), { seed: 6, modulesToSave: ['head'], targets: ['query'] }),
    );
  });

  afterAll(async () => {
    await set.dispose();
    model.weights.dispose();
    expect(tf.memory().numTensors).toBe(tensorsBefore);
  });

  it('alone with weight 1 is what attach gives, bit for bit', async () => {
    const attached = await attach(model, own);
    const expected = outputOf(attached.apply);
    attached.dispose();
    await set.activate('own');
    requireClose(seen(), expected, { what: 'output' });
    expect([...seen({ adapters: [] })]).not.toEqual([...expected]);
  });

  const choices: readonly Readonly<Record<string, number>>[] = [
    { own: 1 },
    { own: 0.3 },
    { own: -1, other: 0.5 },
    { own: 0.7, other: 1 },
  ];
  it.each(choices)(
    'with weights %o, merged equals not merged, and both the sum of the deltas',
    async (weights) => {
      await set.activate(weights);
      const expected = await brute(model, set, weights);
      close(seen(), expected, 'forward');
      await set.merge();
      expect(set.isMerged).toBe(true);
      close(seen(), expected, 'merged');
      close((await set.predict(toyIds())).data as Float32Array, expected, 'merged, on the engine');
      await set.unmerge();
      close((await set.predict(toyIds())).data as Float32Array, expected, 'on the engine');
    },
  );

  it('disabled, merged or not, gives the base bit for bit, and enabled what it was', async () => {
    const base = outputOf((batch) => set.apply(batch, { adapters: [] }));
    await set.activate({ own: 0.5, other: 1 });
    for (const merge of [false, true]) {
      if (merge) await set.merge();
      const before = seen();
      set.disable();
      requireClose(seen(), base, { what: 'disabled' });
      requireClose((await set.predict(toyIds())).data as Float32Array, base, { what: 'disabled, on the engine' });
      set.enable();
      expect(set.isMerged).toBe(merge);
      requireClose(seen(), before, { what: 'enabled again' });
    }
    await set.unmerge();
  });

  it('the order in which a choice is written does not matter, to the bit', async () => {
    await set.activate({ own: 0.5, other: 0.25 });
    const one = seen();
    await set.activate([]);
    await set.activate({ other: 0.25, own: 0.5 });
    requireClose(seen(), one, { what: 'output' });
  });

  it('rows of a mixed batch equal single runs, and come back in order', async () => {
    const rows = ['own', undefined, 'other', { own: 0.3, other: 0.7 }, 'own'];
    const width = 6;
    await set.activate('other');
    await set.merge();
    const mixed = seen({ rows });
    const predicted = (await set.predict(toyIds(), { rows })).data as Float32Array;
    for (const [row, choice] of rows.entries()) {
      const alone = seen({ adapters: choice ?? [] });
      const place = [row * width, (row + 1) * width] as const;
      requireClose(mixed.slice(...place), alone.slice(...place), { what: `row ${row}`, tolerance: 1e-6 });
      requireClose(predicted.slice(...place), alone.slice(...place), { what: `predicted row ${row}`, tolerance });
    }
  });

  it('the sum is an adapter: merged as one, and with the values of the set', async () => {
    const weights = { own: 0.4, other: -0.6 };
    const sum = set.sum(weights);
    const merged = await mergeAdapter(model, sum.adapter);
    const expected = await bruteWeights(model, set, weights);
    for (const path of model.weights.paths) {
      close(valuesOf(merged)[path] as Float32Array, expected[path] as Float64Array, path);
    }
    merged.dispose();
    sum.dispose();
  });
});

/** Weights with each adapter merged alone, added up in float64. */
async function bruteWeights(model: AnyModel, set: AdapterSet, weights: Readonly<Record<string, number>>) {
  const base = valuesOf(model.weights);
  const sum = Object.fromEntries(Object.entries(base).map(([path, values]) => [path, Float64Array.from(values)]));
  for (const [name, weight] of Object.entries(weights)) {
    const { adapter } = set.sum(name);
    const merged = await mergeAdapter(model, adapter);
    for (const [path, values] of Object.entries(valuesOf(merged))) {
      const total = sum[path] as Float64Array;
      const before = base[path] as Float32Array;
      for (const [i, value] of values.entries())
        total[i] = (total[i] as number) + weight * (value - (before[i] as number));
    }
    merged.dispose();
  }
  return sum;
}

/** The output of the model on those weights. */
async function brute(model: AnyModel, set: AdapterSet, weights: Readonly<Record<string, number>>) {
  const fork = model.weights.fork();
  for (const [path, values] of Object.entries(await bruteWeights(model, set, weights))) {
    fork.write(path, { ...model.weights.get(path), data: Float32Array.from(values) });
  }
  const { adapter } = await sumAdapters(model, []);
  const bare = { ...model, weights: fork };
  const attached = await attach(bare, { ...adapter, fingerprint: fork.fingerprint() });
  const output = outputOf(attached.apply);
  attached.dispose();
  fork.dispose();
  return output;
}
