import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { type AdaLoraState, adalora, rankPattern } from '@peft/adalora';
import { loadAdapter, saveAdapter } from '@peft/checkpoint';
import { cola } from '@peft/cola';
import { type AnyModel, type AnyStrategy, mergeAdapter, toFloat32 } from '@peft/core';
import { requireClose, toyModel } from '@peft/core/testing';
import { lora, loraFileFormat } from '@peft/lora';
import * as tf from '@tensorflow/tfjs';
import { afterEach, beforeAll, beforeEach, describe, expect, test } from 'vitest';
import { adapterOf, narrowed, outputOf, plainLora, toyIds, valuesOf } from '../test/index.ts';
import { type AdapterSet, adapterSet } from './index.ts';

let model: AnyModel;
let set: AdapterSet;
const seen = (options?: Parameters<AdapterSet['apply']>[1]) => outputOf((batch) => set.apply(batch, options));
const adaptive = () => adalora({ initRank: 6, targetRank: 2, alpha: 8, warmupSteps: 1, finalSteps: 2 }) as AnyStrategy;
const row = (values: Float32Array, index: number) => values.slice(index * 6, index * 6 + 6);

beforeAll(async () => {
  await tf.setBackend('cpu');
});

beforeEach(() => {
  model = toyModel();
  set = adapterSet(model);
});

afterEach(() => set.dispose());

describe('Python PEFT: a merged model that enters disable_adapter comes out of it unmerged (4.1)', () =>
  test('here: it is merged still, and computes the same bits', async () => {
    await set.add('a', await adapterOf(model, plainLora()));
    await set.activate('a');
    await set.merge();
    const [merged, base] = [seen(), seen({ adapters: [] })];
    set.whileDisabled(() => requireClose(seen(), base, { what: 'disabled' }));
    expect(set.isMerged).toBe(true);
    requireClose(seen(), merged, { what: 'enabled again' });
  }));

describe('Python PEFT: deleting the active adapter silently activates another, the first by the alphabet (4.1)', () =>
  test('here: what is active cannot go before something else is chosen', async () => {
    await set.add('a', await adapterOf(model, plainLora()));
    await set.add('b', await adapterOf(model, plainLora(), { seed: 2 }));
    await set.activate('b');
    await expect(set.remove('b')).rejects.toThrow('adapter "b" is active');
    expect([...set.active]).toEqual([['b', 1]]);
  }));

describe('Python PEFT: of all adapters on a model, one at most may have trained biases (1.2)', () =>
  test('here: every one may, and their changes add up', async () => {
    for (const [index, name] of ['a', 'b'].entries())
      await set.add(name, await adapterOf(model, plainLora(), { bias: 'all', seed: index }));
    const sum = set.sum({ a: 0.5, b: 2 });
    const path = 'head.bias';
    const base = toFloat32(model.weights.get(path));
    const [a, b, both] = ['a', 'b', undefined].map(
      (name) => (name ? set.sum(name) : sum).adapter.trained[path]?.dataSync() as Float32Array,
    ) as [Float32Array, Float32Array, Float32Array];
    const expected = base.map((value, i) => value + 0.5 * ((a[i] as number) - value) + 2 * ((b[i] as number) - value));
    requireClose(both, expected, { what: path, tolerance: 1e-6 });
    sum.dispose();
  }));

describe('Python PEFT: 100 cycles of merge and unmerge move a float32 weight by 3e-8, a bfloat16 one by 2e-3 and growing (4.3)', () =>
  test('here: no bit moves, in a base of either type', async () => {
    for (const dtype of ['float32', 'bfloat16'] as const) {
      const own = dtype === 'float32' ? model : narrowed(model);
      const cycled = adapterSet(own);
      await cycled.add('a', await adapterOf(own, plainLora()));
      await cycled.activate('a');
      const before = outputOf((batch) => cycled.apply(batch));
      const stored = own.weights.paths.map((path) => own.weights.get(path).data.slice());
      for (let cycle = 0; cycle < 100; cycle++) {
        await cycled.merge();
        await cycled.unmerge();
      }
      for (const [index, path] of own.weights.paths.entries())
        expect(own.weights.get(path).data, path).toEqual(stored[index]);
      requireClose(
        outputOf((batch) => cycled.apply(batch)),
        before,
        { what: dtype },
      );
      await cycled.dispose();
    }
  }));

describe('Python PEFT: merged and unmerged outputs differ where the base is bfloat16, since the sum is rounded to it (peft#1836)', () =>
  test('here: the merged copy is float32, and agrees to 1e-6', async () => {
    const own = narrowed(model);
    const narrow = adapterSet(own);
    await narrow.add('a', await adapterOf(own, plainLora()));
    await narrow.activate('a');
    const before = outputOf((batch) => narrow.apply(batch));
    await narrow.merge();
    requireClose(
      outputOf((batch) => narrow.apply(batch)),
      before,
      { what: 'merged', tolerance: 1e-6 },
    );
    await narrow.dispose();
  }));

describe('Python PEFT: merging an AdaLoRA whose E is 0 does nothing, and nothing says so (peft#2322)', () =>
  test('here: describe shows a change of 0', async () => {
    await set.add('fresh', await adapterOf(model, adaptive(), { schedule: 0 }));
    await set.add('trained', await adapterOf(model, adaptive()));
    const [fresh, trained] = await set.describe();
    expect(fresh?.adapted.map(({ change, relative }) => [change, relative])).toEqual(Array(4).fill([0, 0]));
    expect(trained?.adapted.some(({ relative }) => relative > 0.01)).toBe(true);
  }));

describe('Python PEFT: a mixed batch with AdaLoRA ends in a TypeError (D12)', () =>
  test('here: its rows are those of single runs', () => mixes(adaptive())));

describe('Python PEFT: a mixed batch with DoRA is refused (4.5)', () =>
  test('here: its rows are those of single runs', () => mixes(lora({ rank: 2, dora: true }) as AnyStrategy)));

describe('Python PEFT: a mixed batch is refused while adapters are merged (4.5)', () =>
  test('here: its rows are those of single runs, merged or disabled', async () => {
    await mixes(cola(plainLora(), { links: 2 }) as AnyStrategy);
    await set.merge();
    const merged = seen();
    const [base, rows] = [seen({ adapters: [] }), ['b', undefined, 'b', 'a', 'b']];
    set.disable();
    const mixed = seen({ rows });
    requireClose(row(mixed, 0), row(merged, 0), { what: 'an adapter', tolerance: 1e-6 });
    requireClose(row(mixed, 1), row(base, 1), { what: 'the base', tolerance: 1e-6 });
    expect(set.isMerged).toBe(true);
  }));

describe('Python PEFT: "__base__" in a mixed batch means no adapter, so an adapter of that name is out of reach (4.5)', () =>
  test('here: no adapter is undefined, and every string is a name', async () => {
    await set.add('__base__', await adapterOf(model, plainLora()));
    const mixed = seen({ rows: ['__base__', undefined, undefined, undefined, undefined] });
    requireClose(row(mixed, 0), row(seen({ adapters: '__base__' }), 0), { what: 'named', tolerance: 1e-6 });
    requireClose(row(mixed, 1), row(seen(), 1), { what: 'base', tolerance: 1e-6 });
  }));

describe('Python PEFT: swapping an adapter with rank_pattern for itself halves its scale, outputs off by 0.87 (4.6)', () =>
  test('here: no bit changes, nor for a copy of it', async () => {
    const make = () =>
      adapterOf(model, lora({ rank: 8, alpha: 8, rankPattern: { query: 4 } }) as AnyStrategy, { seed: 3 });
    await set.add('a', await make());
    await set.activate('a');
    const before = seen();
    await set.swap('a', await make());
    requireClose(seen(), before, { what: 'output' });
  }));

describe('Python PEFT: hot swap takes LoRA only, of the same rsLoRA, dropout, alphas and DoRA (4.6)', () =>
  test('here: any method replaces any other', async () => {
    await set.add('a', await adapterOf(model, plainLora()));
    await set.activate({ a: 0.5 });
    const strategies = [
      lora({ rank: 5, rsLora: true, dropout: 0.1 }),
      lora({ dora: true }),
      adaptive(),
      cola(lora({ dora: true }), { links: 2 }),
    ] as readonly AnyStrategy[];
    for (const [index, strategy] of strategies.entries()) {
      await set.add(`${index}`, await adapterOf(model, strategy, { seed: 7 }));
      await set.swap('a', await adapterOf(model, strategy, { seed: 7 }));
      requireClose(seen(), seen({ adapters: { [`${index}`]: 0.5 } }), { what: strategy.name, tolerance: 1e-6 });
    }
  }));

describe('Python PEFT: set_scale of AdaLoRA sets alpha / r, which forward divides by the rank again: 8 becomes 1.333 (D11)', () =>
  test('here: a weight w is w times the change, so that 1 restores it to the bit', async () => {
    await set.add('a', await adapterOf(model, adaptive()));
    await set.activate('a');
    const [one, base] = [seen(), await mergedDelta(1)];
    for (const weight of [0.25, 3]) {
      await set.activate({ a: weight });
      const scaled = await mergedDelta(weight);
      requireClose(
        scaled,
        base.map((value) => value * weight),
        { what: `weight ${weight}`, tolerance: 1e-5 },
      );
    }
    await set.activate('a');
    requireClose(seen(), one, { what: 'restored' });
  }));

describe('Python PEFT: add_weighted_adapter of AdaLoRA ends in a TypeError (D12)', () =>
  test('here: it is summed with LoRA and DoRA', async () => {
    await set.add('adalora', await adapterOf(model, adaptive()));
    await set.add('lora', await adapterOf(model, plainLora(), { seed: 2 }));
    await set.add('dora', await adapterOf(model, lora({ dora: true }) as AnyStrategy, { seed: 3 }));
    await set.activate({ adalora: 0.5, lora: -1, dora: 0.7 });
    const before = seen();
    await set.merge();
    requireClose(seen(), before, { what: 'merged', tolerance: 1e-6 });
  }));

describe('Python PEFT: names are looked for inside others: "l0" on a module l0 fails to save, "default2" spoils the budgets of "default", "lora" and "a" lose tensors (D10, peft#2699)', () =>
  test('here: any string names an adapter', async () => {
    const names = [
      'embed',
      'head',
      'default',
      'default2',
      'lora',
      'lora_',
      'a',
      '0',
      '__proto__',
      'constructor',
      'x/y',
      'x.y',
      ' ',
    ];
    for (const [index, name] of names.entries())
      await set.add(name, await adapterOf(model, plainLora(index + 1), { seed: index, steps: 2 }));
    expect(set.names).toEqual(names);
    const alone = [];
    for (const name of names) {
      await set.activate([name]);
      alone.push(seen());
    }
    const weights = Object.fromEntries(names.map((name) => [name, 0.1]));
    await set.activate(weights);
    expect([...set.active.keys()].sort()).toEqual([...names].sort());
    for (const [index, name] of names.entries()) {
      requireClose(seen({ adapters: name }), alone[index] as Float32Array, { what: name });
    }
    await set.activate([]);
    for (const name of names) await set.remove(name);
    expect(set.names).toEqual([]);
  }));

describe('Python PEFT: an AdaLoRA added to a model with another adapter for inference has no allocator (D13)', () =>
  test('here: it is trained beside others as if alone, and its ranks follow the budget', async () => {
    const alone = await adapterOf(toyModel(), adaptive());
    await set.add('first', await adapterOf(model, plainLora()));
    await set.activate('first');
    await set.merge();
    const second = await adapterOf(model, adaptive());
    const ranks = async ({ adapter }: typeof second) => rankPattern(adapter.state as AdaLoraState);
    expect(await ranks(second)).toEqual(await ranks(alone));
    const live = Object.values(await ranks(second))
      .flat()
      .filter(Boolean).length;
    expect(live).toBe(2 * 4);
    await set.add('second', second);
    await set.activate(['first', 'second']);
    requireClose(seen(), await mergedOutput(), { what: 'both', tolerance: 1e-6 });
  }));

describe('Python PEFT: adapters of several methods on one model cannot be saved, nor their status seen (4.7)', () =>
  test('here: their sum is one LoRA in a file, and what each changes is seen', async () => {
    await set.add('lora', await adapterOf(model, plainLora()));
    await set.add('adaptive', await adapterOf(model, adaptive()));
    const folder = mkdtempSync(join(tmpdir(), 'adapters-'));
    const sum = set.sum({ lora: 0.5, adaptive: -2 });
    await saveAdapter(sum.adapter, folder);
    sum.dispose();
    await set.add('loaded', await loadAdapter(folder, model, { formats: [loraFileFormat] }));
    rmSync(folder, { recursive: true });
    requireClose(seen({ adapters: 'loaded' }), seen({ adapters: { lora: 0.5, adaptive: -2 } }), {
      what: 'loaded',
      tolerance: 1e-6,
    });
    for (const name of ['lora', 'adaptive', 'loaded']) await set.remove(name);

    await set.add('adalora', await adapterOf(model, adaptive()));
    await set.add('dora', await adapterOf(model, lora({ dora: true }) as AnyStrategy));
    const described = await set.describe();
    expect(described.map(({ name, method }) => [name, method])).toEqual([
      ['adalora', 'adalora'],
      ['dora', 'dora'],
    ]);
    for (const { adapted } of described) expect(adapted.every(({ relative }) => relative > 0)).toBe(true);
  }));

async function mixes(strategy: AnyStrategy): Promise<void> {
  await set.add('a', await adapterOf(model, strategy));
  await set.add(
    'b',
    await adapterOf(model, strategy, { seed: 2, modulesToSave: ['head'], targets: ['embed', 'query'] }),
  );
  await set.activate('b');
  const rows = ['a', undefined, 'b', { a: 0.5, b: 0.5 }, 'a'];
  const mixed = seen({ rows });
  const predicted = (await set.predict(toyIds(), { rows })).data as Float32Array;
  for (const [index, choice] of rows.entries()) {
    const alone = row(seen({ adapters: choice ?? [] }), index);
    requireClose(row(mixed, index), alone, { what: `row ${index}`, tolerance: 1e-6 });
    requireClose(row(predicted, index), alone, { what: `predicted row ${index}`, tolerance: 1e-6 });
  }
}

/** What the active adapters add to a weight. */
async function mergedDelta(weight: number): Promise<Float32Array> {
  const sum = set.sum({ a: weight });
  const merged = await mergeAdapter(model, sum.adapter);
  const base = valuesOf(model.weights)['head.weight'] as Float32Array;
  const delta = (valuesOf(merged)['head.weight'] as Float32Array).map((value, i) => value - (base[i] as number));
  merged.dispose();
  sum.dispose();
  return delta;
}

async function mergedOutput(): Promise<Float32Array> {
  await set.merge();
  const output = seen();
  await set.unmerge();
  return output;
}
