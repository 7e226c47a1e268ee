import { disposeAdapter, mergeAdapter, type TrainedAdapter } from '@peft/core';
import { requireClose } from '@peft/core/testing';
import { normals } from '@peft/ops';
import * as tf from '@tensorflow/tfjs';
import { beforeAll, describe, expect, it } from 'vitest';
import { model } from '../../test/combine/combining.ts';
import { deltaIn } from '../../test/combine/deltaIn.ts';
import { drawnAdapter } from '../../test/combine/drawnAdapter.ts';
import { drawnRows } from '../../test/combine/drawnRows.ts';
import { combineAdapters } from './combineAdapters.ts';
import { combineIntoWeights } from './combineIntoWeights.ts';

beforeAll(async () => {
  await tf.setBackend('cpu');
});

const valuesOf = (path: string) => model.weights.get(path).data as Float32Array;
const drawn = (path: string, seed: number) => {
  const { shape, data } = model.weights.get(path);
  return tf.tensor(normals(seed, data.length), [...shape]);
};
const plain = async (seed: number): Promise<TrainedAdapter> => (await drawnAdapter(model, 'lora', seed)).adapter;

/** base + the sum of weight times (trained - base). */
const mixed = (path: string, terms: readonly (readonly [weight: number, trained: tf.Tensor])[]) =>
  valuesOf(path).map((base, at) =>
    terms.reduce((sum, [weight, trained]) => sum + weight * ((trained.dataSync()[at] as number) - base), base),
  );

describe('what adapters train whole', () => {
  it('is the base plus the weighted differences from it, by every method', async () => {
    const [one, two] = [await plain(3), await plain(4)];
    const head = { path: 'layer.0.up.weight', bias: 'layer.0.up.bias' };
    const dense = (adapter: TrainedAdapter, seed: number): TrainedAdapter => ({
      ...adapter,
      targets: adapter.targets.filter(({ path }) => path !== 'layer.0.up'),
      trained: { [head.path]: drawn(head.path, seed), [head.bias]: drawn(head.bias, seed + 1) },
      modulesToSave: ['layer.0.up'],
    });
    const [left, right] = [dense(one, 7), { ...dense(two, 9), modulesToSave: ['up', 'layer.0.up'] }];
    for (const method of ['linear', 'ties'] as const) {
      const options = method === 'ties' ? ({ method, density: 0.5 } as const) : ({ method } as const);
      const adapters = [
        { adapter: left, weight: 0.5 },
        { adapter: right, weight: -2 },
      ];
      const { adapter } = await combineAdapters(model, adapters, options);
      const weights = await combineIntoWeights(model, adapters, options);
      expect(adapter.modulesToSave).toEqual(['layer.0.up', 'up']);
      expect(Object.keys(adapter.trained)).toEqual([head.bias, head.path]);
      for (const path of [head.path, head.bias]) {
        const expected = mixed(path, [
          [0.5, left.trained[path] as tf.Tensor],
          [-2, right.trained[path] as tf.Tensor],
        ]);
        const actual = adapter.trained[path]?.dataSync() as Float32Array;
        requireClose(actual, expected, { what: path, tolerance: 1e-6 });
        expect(weights.get(path).data).toEqual(actual);
      }
      weights.dispose();
      disposeAdapter(adapter);
    }
  });

  it('takes in what another adapter changes there by factors', async () => {
    const [one, two] = [await drawnAdapter(model, 'lora', 3), await plain(4)];
    const path = 'tied.weight';
    const whole: TrainedAdapter = {
      ...two,
      targets: two.targets.filter((target) => target.path !== 'tied'),
      trained: { [path]: drawn(path, 5) },
      modulesToSave: ['tied'],
    };
    const { adapter } = await combineAdapters(model, [
      { adapter: one.adapter, weight: 3 },
      { adapter: whole, weight: 0.5 },
    ]);
    expect(adapter.targets.map((target) => target.path)).not.toContain('tied');
    const delta = one.deltas.tied as Float64Array;
    const expected = mixed(path, [[0.5, whole.trained[path] as tf.Tensor]]).map(
      (value, at) => value + 3 * (delta[at] as number),
    );
    requireClose(adapter.trained[path]?.dataSync() as Float32Array, expected, { what: path, tolerance: 1e-6 });
    const [merged, written] = [
      await mergeAdapter(model, adapter),
      await combineIntoWeights(model, [
        { adapter: one.adapter, weight: 3 },
        { adapter: whole, weight: 0.5 },
      ]),
    ];
    for (const each of merged.paths) {
      requireClose(written.get(each).data as Float32Array, merged.get(each).data as Float32Array, {
        what: each,
        tolerance: 1e-6,
      });
    }
  });

  it('under bias "adapted" has the bias of every target: the base\'s where none was trained, and a target for each', async () => {
    const one = await plain(3);
    const query = one.targets.filter(({ path }) => path === 'layer.0.query');
    const up = one.targets.filter(({ path }) => path === 'layer.0.up');
    const bias = 'layer.0.query.bias';
    const trained = { [bias]: drawn(bias, 5) };
    const biased: TrainedAdapter = { ...one, targets: query, trained, bias: 'adapted' };
    const { adapter } = await combineAdapters(model, [
      { adapter: biased },
      { adapter: { ...one, targets: query }, weight: -1 },
      { adapter: { ...one, targets: up } },
    ]);
    expect(adapter.bias).toBe('adapted');
    expect(adapter.targets.map(({ path }) => path)).toEqual(['layer.0.query', 'layer.0.up']);
    expect(deltaIn(adapter, 'layer.0.query')).toEqual(new Float64Array(25));
    const { a } = adapter.adapter.params['layer.0.query'] as { a: tf.Tensor };
    expect(a.dataSync().some((value) => value !== 0)).toBe(true);
    expect(adapter.trained['layer.0.up.bias']?.dataSync()).toEqual(valuesOf('layer.0.up.bias'));
    requireClose(adapter.trained[bias]?.dataSync() as Float32Array, trained[bias]?.dataSync() as Float32Array, {
      what: bias,
      tolerance: 1e-6,
    });
    const { adapter: all } = await combineAdapters(model, [{ adapter: biased }, { adapter: { ...one, bias: 'all' } }]);
    expect(all.bias).toBe('all');
  });
});

describe('trained rows', () => {
  const rowsOf = (base: Float32Array, id: number) => base.subarray(id * 5, id * 5 + 5);

  it("are the base's plus the weighted differences, of every row that any adapter trained", async () => {
    const one = await plain(3);
    const rows = [drawnRows([7, 2], 1, ['tied']), drawnRows([2, 4], 2, ['tied'])] as const;
    const adapters = rows.map((table, at) => ({
      adapter: { ...one, targets: [], tokenRows: { embed: table } },
      weight: at === 0 ? 2 : -0.5,
    }));
    const { adapter } = await combineAdapters(model, adapters);
    const { ids, heads, rows: combined } = adapter.tokenRows.embed as ReturnType<typeof drawnRows>;
    expect([ids, heads]).toEqual([[7, 2, 4], ['tied']]);
    const base = valuesOf('embed.weight');
    const of = (table: (typeof rows)[number], id: number) =>
      table.ids.includes(id) ? rowsOf(table.rows.dataSync() as Float32Array, table.ids.indexOf(id)) : rowsOf(base, id);
    const expected = ids.flatMap((id) =>
      [...rowsOf(base, id)].map(
        (value, at) => value + 2 * ((of(rows[0], id)[at] ?? 0) - value) - 0.5 * ((of(rows[1], id)[at] ?? 0) - value),
      ),
    );
    requireClose(combined.dataSync() as Float32Array, expected, { what: 'rows', tolerance: 1e-6 });
    const weights = await combineIntoWeights(model, adapters);
    expect(weights.written).toEqual(['embed.weight', 'tied.weight']);
    for (const [at, id] of ids.entries()) {
      const written = rowsOf(weights.get('embed.weight').data as Float32Array, id);
      requireClose(written, expected.slice(at * 5, at * 5 + 5), { what: `row ${id}`, tolerance: 1e-6 });
    }
    expect(rowsOf(weights.get('embed.weight').data as Float32Array, 0)).toEqual(rowsOf(base, 0));
  });

  it('add to what changes the table by factors', async () => {
    const one = await plain(3);
    const adapters = [{ adapter: { ...one, tokenRows: { embed: drawnRows([1, 8], 1) } } }, { adapter: await plain(4) }];
    const { adapter } = await combineAdapters(model, adapters);
    const [merged, written] = [await mergeAdapter(model, adapter), await combineIntoWeights(model, adapters)];
    for (const path of merged.paths) {
      const [left, right] = [merged.get(path).data, written.get(path).data] as [Float32Array, Float32Array];
      requireClose(left, right, { what: path, tolerance: 1e-6 });
    }
    expect(written.get('embed.weight').data).not.toEqual(valuesOf('embed.weight'));
  });
});
