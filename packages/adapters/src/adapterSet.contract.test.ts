import { type AnyModel, attach, eagerEngine, mergeAdapter, type TrainedAdapter } from '@peft/core';
import { requireClose, toyModel } from '@peft/core/testing';
import * as tf from '@tensorflow/tfjs';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import {
  adapterOf,
  outputOf,
  plainLora,
  plainOutput,
  summedWeights,
  toyIds,
  valuesOf,
  variants,
} from '../test/index.ts';
import { type AdapterSet, adapterSet } from './index.ts';

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
  it.each(choices)('with weights %o, merged equals not merged, and both the sum of the deltas', async (weights) => {
    await set.activate(weights);
    const expected = await brute(model, set, weights);
    close(seen(), expected, 'forward');
    await set.merge();
    expect(set.isMerged).toBe(true);
    close(seen(), expected, 'merged');
    close((await set.predict(toyIds())).data as Float32Array, expected, 'merged, on the engine');
    await set.unmerge();
    close((await set.predict(toyIds())).data as Float32Array, expected, 'on the engine');
  });

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
    const single = rows.map((choice) => seen({ adapters: choice ?? [] }));
    await set.activate('other');
    await set.merge();
    const mixed = seen({ rows });
    const predicted = (await set.predict(toyIds(), { rows })).data as Float32Array;
    for (const [row, alone] of single.entries()) {
      const place = [row * width, (row + 1) * width] as const;
      requireClose(mixed.slice(...place), alone.slice(...place), { what: `row ${row}`, tolerance: 1e-6 });
      requireClose(predicted.slice(...place), alone.slice(...place), { what: `predicted row ${row}`, tolerance });
    }
  });

  it('the sum is an adapter: merged as one, and with the values of the set', async () => {
    const weights = { own: 0.4, other: -0.6 };
    const sum = set.sum(weights);
    const merged = await mergeAdapter(model, sum.adapter);
    const expected = await summedWeights(model, termsOf(set, weights));
    for (const [path, values] of Object.entries(valuesOf(expected))) {
      close(valuesOf(merged)[path] as Float32Array, values, path);
    }
    merged.dispose();
    expected.dispose();
    sum.dispose();
  });
});

/** The terms of a choice. */
const termsOf = (set: AdapterSet, weights: Readonly<Record<string, number>>) =>
  Object.entries(weights).map(([name, weight]) => ({ adapter: set.sum(name).adapter, weight }));

/** The output of the model on the weights that a choice means. */
async function brute(model: AnyModel, set: AdapterSet, weights: Readonly<Record<string, number>>) {
  const summed = await summedWeights(model, termsOf(set, weights));
  const output = plainOutput(model, summed);
  summed.dispose();
  return output;
}
