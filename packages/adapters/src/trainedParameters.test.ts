import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { loadAdapter, saveAdapter } from '@peft/checkpoint';
import { type AnyModel, attach, type TrainedAdapter } from '@peft/core';
import { requireClose, toyModel } from '@peft/core/testing';
import { lora, loraFileFormat } from '@peft/lora';
import * as tf from '@tensorflow/tfjs';
import { afterEach, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import { adapterOf, outputOf, plainLora, toyIds } from '../test/index.ts';
import { type AdapterSet, adapterSet, describeAdapter } from './index.ts';

let model: AnyModel;
let set: AdapterSet;
const trainedOf = (seed: number, options?: Parameters<typeof adapterOf>[2]) =>
  adapterOf(model, plainLora(), { seed, ...options });
const seen = (options?: Parameters<AdapterSet['apply']>[1]) => outputOf((batch) => set.apply(batch, options));

beforeAll(async () => {
  await tf.setBackend('cpu');
});

beforeEach(() => {
  model = toyModel();
  set = adapterSet(model);
});

afterEach(async () => {
  await set.dispose();
  model.weights.dispose();
});

describe('trained modules', () => {
  it('follow the rule of deltas, whole and alone to the bit, also where another adapter adapts them', async () => {
    const headTrained = await trainedOf(1, { modulesToSave: ['head'], bias: 'adapted', targets: ['query'] });
    await set.add('whole', headTrained);
    await set.add('bare', await adapterOf(model, undefined, { modulesToSave: ['head'], seed: 2 }));
    await set.add(
      'dora',
      await adapterOf(model, lora({ dora: true }) as never, { targets: ['head', 'embed'], seed: 3 }),
    );
    const sum = set.sum({ whole: 1, dora: 0.5 });
    expect(sum.adapter.targets.map(({ path }) => path)).toEqual(['embed', 'layer.0.query', 'layer.1.query']);
    expect(sum.adapter.bias).toBe('adapted');
    expect(Object.keys(sum.adapter.trained)).toEqual([
      'head.bias',
      'head.weight',
      'layer.0.query.bias',
      'layer.1.query.bias',
    ]);
    sum.dispose();
    const alone = set.sum({ whole: 1 });
    expect(alone.adapter).toBe(headTrained);
    const weighted = set.sum({ whole: 1, bare: 0 });
    const [expected, found] = [headTrained, weighted.adapter].map(({ trained }) =>
      trained['layer.0.query.bias']?.dataSync(),
    );
    requireClose(found as Float32Array, expected as Float32Array, { what: 'the bias that only one trains' });
    weighted.dispose();
  });
});

it('a sum in which one part trains biases of what it adapts is a file that loads', async () => {
  await set.add('a', await trainedOf(1, { targets: ['layer.0.query'], bias: 'adapted' }));
  await set.add('b', await trainedOf(2, { targets: ['layer.1.query'] }));
  const choice = { a: 0.5, b: 2 };
  const folder = mkdtempSync(join(tmpdir(), 'adapters-'));
  const sum = set.sum(choice);
  const untouched = sum.adapter.trained['layer.1.query.bias']?.dataSync() as Float32Array;
  requireClose(untouched, model.weights.get('layer.1.query.bias').data as Float32Array, { what: 'a bias of neither' });
  await saveAdapter(sum.adapter, folder);
  sum.dispose();
  await set.add('loaded', await loadAdapter(folder, model, { formats: [loraFileFormat] }));
  rmSync(folder, { recursive: true });
  requireClose(seen({ adapters: 'loaded' }), seen({ adapters: choice }), { what: 'loaded', tolerance: 1e-6 });
});

describe('trained rows', () => {
  const rowsOf = (seed: number, ids: readonly number[]) =>
    adapterOf(model, plainLora(), { seed, targets: ['query'], trainableTokens: { embed: ids } });

  it('follow the rule of deltas, row by row', async () => {
    const [a, b] = [await rowsOf(1, [5, 1]), await rowsOf(2, [1, 3])];
    await set.add('a', a);
    await set.add('b', b);
    await set.activate('a');
    const attached = await attach(model, a);
    requireClose(seen(), outputOf(attached.apply), { what: 'alone' });
    attached.dispose();
    const sum = set.sum({ a: 0.5, b: -1 });
    const { ids, rows } = sum.adapter.tokenRows.embed as { ids: readonly number[]; rows: tf.Tensor };
    expect(ids).toEqual([1, 3, 5]);
    const base = model.weights.tensor('embed.weight').arraySync() as number[][];
    const own = (trained: TrainedAdapter) => trained.tokenRows.embed?.rows.arraySync() as number[][];
    const expected = [1, 3, 5].flatMap((id) =>
      (base[id] as number[]).map((value, column) => {
        const change = (trained: TrainedAdapter) => {
          const place = (trained.tokenRows.embed?.ids ?? []).indexOf(id);
          return place < 0 ? 0 : ((own(trained)[place] as number[])[column] as number) - value;
        };
        return value + 0.5 * change(a) - change(b);
      }),
    );
    requireClose(rows.dataSync(), expected, { what: 'rows', tolerance: 1e-6 });
    sum.dispose();
    await set.activate({ a: 0.5, b: -1 });
    const before = seen();
    requireClose((await set.predict(toyIds())).data as Float32Array, before, { what: 'predicted', tolerance: 1e-6 });
    await set.merge();
    requireClose(seen(), before, { what: 'merged', tolerance: 1e-6 });
  });

  it('join what another adapter does to their table, additive or not, or trains of it', async () => {
    await set.add('rows', await rowsOf(1, [5, 1]));
    await set.add('lora', await trainedOf(2, { targets: ['embed'] }));
    await set.add('dora', await adapterOf(model, lora({ dora: true }) as never, { targets: ['embed'], seed: 3 }));
    await set.add('whole', await adapterOf(model, undefined, { modulesToSave: ['embed'], seed: 4 }));
    for (const other of ['lora', 'dora', 'whole']) {
      await set.activate({ rows: 0.5, [other]: 0.8 });
      const found = set.sum();
      const [rows, changed] = await Promise.all(
        ['rows', other].map(async (name) => (await describeAdapter(model, set.sum(name).adapter)).adapted.length),
      );
      expect((rows as number) + (changed as number)).toBeGreaterThan(0);
      expect(Object.keys(found.adapter.tokenRows)).toEqual(other === 'lora' ? ['embed'] : []);
      found.dispose();
      const before = seen();
      await set.merge();
      requireClose(seen(), before, { what: `rows with ${other}`, tolerance: 1e-6 });
    }
  });
});
