import {
  type AnyModel,
  disposeAdapter,
  layerKindOf,
  registerLayerKind,
  type TrainedAdapter,
  tensorsOf,
} from '@peft/core';
import { lora } from '@peft/lora';
import * as tf from '@tensorflow/tfjs';
import { beforeAll, describe, expect, it } from 'vitest';
import { model } from '../../test/combine/combining.ts';
import { drawnAdapter } from '../../test/combine/drawnAdapter.ts';
import { drawnRows } from '../../test/combine/drawnRows.ts';
import { manyKinds } from '../../test/combine/manyKinds.ts';
import { combineAdapters } from './combineAdapters.ts';
import { combineIntoWeights } from './combineIntoWeights.ts';
import type { CombineOptions } from './combineOptions.ts';
import { toFactorLayout } from './weightLayout.ts';

let adapter: TrainedAdapter;

beforeAll(async () => {
  await tf.setBackend('cpu');
  adapter = (await drawnAdapter(model, 'lora', 1)).adapter;
});

const refusal = async (call: () => Promise<unknown>) => {
  const error = await call().then(
    () => new Error('it was accepted'),
    (reason: Error) => reason,
  );
  return error.message;
};
const wrong = (options: unknown, adapters: unknown = [{ adapter }], of: AnyModel = model) =>
  refusal(() => combineAdapters(of, adapters as [], options as CombineOptions));

describe('wrong calls are refused', () => {
  it.each([
    [
      { method: 'mean' },
      'method is "mean"; it must be one of cat, linear, svd, magnitudePrune, ties, dareLinear, dareTies.',
    ],
    [{ method: 3 }, 'method is 3; it must be one of cat, linear, svd, magnitudePrune, ties, dareLinear, dareTies.'],
    [{ rank: 4 }, '"rank" is no option of method "linear", which takes none; leave it out.'],
    [
      { method: 'ties', density: 0.5, seed: 1 },
      '"seed" is no option of method "ties", which takes density, election, rank; leave it out.',
    ],
    [{ method: 'ties' }, 'density is undefined; it must be a number above 0 and at most 1.'],
    [{ method: 'dareLinear', density: 0 }, 'density is 0; it must be a number above 0 and at most 1.'],
    [{ method: 'dareLinear', density: 1.1 }, 'density is 1.1; it must be a number above 0 and at most 1.'],
    [{ method: 'dareLinear', density: Number.NaN }, 'density is NaN; it must be a number above 0 and at most 1.'],
    [{ method: 'ties', density: 1, election: 'mass' }, 'election is "mass"; it must be "total" or "frequency".'],
    [{ method: 'dareTies', density: 1, seed: -1 }, 'seed is -1; it must be a whole number from 0 to 4294967295.'],
    [{ method: 'svd', rank: 0 }, 'rank is 0; it must be a whole number of at least 1, or "full".'],
    [{ method: 'svd', rank: [2] }, 'rank is an array; it must be a whole number of at least 1, or "full".'],
    [{ method: 'svd', rank: {} }, 'rank is an object; it must be a whole number of at least 1, or "full".'],
  ])('options %j', async (options, message) => {
    expect(await wrong(options)).toBe(`combineAdapters: ${message}`);
  });

  it('adapters: none, what is none, weights that are no numbers', async () => {
    expect(await wrong({}, [])).toBe('combineAdapters: there are no adapters; pass at least one.');
    for (const none of [adapter, {}]) {
      expect(await wrong({}, [none])).toBe(
        'combineAdapters: adapters[0] holds no trained adapter; pass { adapter, weight }.',
      );
    }
    expect(await wrong({}, [{ adapter, weight: Number.NaN }])).toBe(
      'combineAdapters: adapters[0].weight is NaN; it must be a finite number.',
    );
    expect(await wrong({}, [{ adapter, weight: '2' }])).toBe(
      'combineAdapters: adapters[0].weight is "2"; it must be a finite number.',
    );
  });

  it('what is no list, no record, or no function', async () => {
    for (const [none, said] of [
      [undefined, 'undefined'],
      [adapter, 'an object'],
    ]) {
      const call = () => combineAdapters(model, none as never);
      expect(await refusal(call)).toBe(
        `combineAdapters: the adapters are ${said}; pass a list, [{ adapter, weight }].`,
      );
    }
    expect(await wrong({}, [undefined])).toBe(
      'combineAdapters: adapters[0] holds no trained adapter; pass { adapter, weight }.',
    );
    expect(await wrong(null)).toBe(
      'combineAdapters: the options are null; pass a record, as { method: "ties", density: 0.5 }, or leave them out.',
    );
    expect(await wrong({ onProgress: true })).toBe(
      'combineAdapters: onProgress is true; pass a function, or leave it out.',
    );
  });

  it('adapters of another base, or of targets that the model does not have', async () => {
    const other = manyKinds(2);
    expect(await wrong({}, [{ adapter }], other)).toBe(
      `combineAdapters: adapters[0] was made on a base with fingerprint ${adapter.fingerprint}, but this model's is ${other.weights.fingerprint()}; load the base it was trained on, without merges.`,
    );
    const fewer = { ...model, targets: model.targets.filter(({ path }) => path !== 'embed') };
    expect(await wrong({}, [{ adapter }], fewer)).toBe(
      `combineAdapters: adapters[0] changes "embed" (embedding [${model.targets.find(({ path }) => path === 'embed')?.shape}]), which this model does not have; load the model it was trained on.`,
    );
    const wider = model.targets.map((target) => (target.path === 'embed' ? { ...target, shape: [7, 5] } : target));
    expect(await wrong({}, [{ adapter }], { ...model, targets: wider })).toMatch(/, here embedding \[7,5\]\), which /);
  });

  it('adapters whose tensors were freed', async () => {
    const freed = (await drawnAdapter(model, 'lora', 2)).adapter;
    const count = tensorsOf(freed.adapter.params).length;
    disposeAdapter(freed);
    expect(await wrong({}, [{ adapter: freed }])).toBe(
      `combineAdapters: adapters[0] has ${count} tensors that were disposed of; load it again, or do not free a run's result that is still to serve.`,
    );
  });

  it('cat and linear of what no factors hold, and such without a rank', async () => {
    const dora = { ...adapter, strategy: lora({ dora: true }) as unknown as TrainedAdapter['strategy'] };
    const what = 'adapters[1], of strategy "dora", changes weights by more than products of two factors';
    for (const method of ['cat', 'linear'] as const) {
      expect(await wrong({ method }, [{ adapter }, { adapter: dora }])).toBe(
        `combineAdapters: ${what}, so no rank holds it exactly as method "${method}" would; use method "svd" with a rank, or combineIntoWeights.`,
      );
    }
    expect(await wrong({ method: 'ties', density: 1 }, [{ adapter }, { adapter: dora }])).toBe(
      `combineAdapters: ${what}, so it has no rank to go by; pass rank, a number or "full".`,
    );
  });

  it('rows of one table that adapters share with other layers, or that one of them trains whole', async () => {
    const shared = (heads: readonly string[]) => ({ ...adapter, tokenRows: { embed: drawnRows([1], 1, heads) } });
    const two = [{ adapter: shared([]) }, { adapter: shared(['tied']) }];
    const message =
      'adapters[1] trains rows of "embed" shared with "tied", and adapters[0] shared with no other layer; train both with the same sharing.';
    expect(await wrong({}, two)).toBe(`combineAdapters: ${message}`);
    expect(await refusal(() => combineIntoWeights(model, two))).toBe(`combineIntoWeights: ${message}`);
    const whole = { ...adapter, trained: { 'tied.weight': tf.zeros([9, 5]) } };
    expect(await wrong({}, [{ adapter: whole }, { adapter: shared(['tied']) }])).toBe(
      'combineAdapters: adapters[1] trains rows of "embed", which adapters[0] trains whole; one adapter cannot hold both, so use combineIntoWeights.',
    );
  });

  it('all at once', async () => {
    expect(await wrong({ method: 'ties', density: 2, seed: 1 }, [{ adapter, weight: Number.POSITIVE_INFINITY }])).toBe(
      [
        'combineAdapters:',
        '- "seed" is no option of method "ties", which takes density, election, rank; leave it out.',
        '- density is 2; it must be a number above 0 and at most 1.',
        '- adapters[0].weight is Infinity; it must be a finite number.',
      ].join('\n'),
    );
  });

  it('a rank where none limits', async () => {
    const options = { method: 'svd', rank: 2 } as Record<string, unknown>;
    expect(await refusal(() => combineIntoWeights(model, [{ adapter }], options))).toBe(
      'combineIntoWeights: "rank" is no option of method "svd", which takes none; leave it out.',
    );
  });

  it('a kind of layer whose factors do not lie side by side in its weight, where the whole weight counts', () => {
    const flat = (_: unknown, rank: number) => ({ a: [6, rank], b: [rank, 1] });
    registerLayerKind({ ...layerKindOf({ path: '', kind: 'dense', shape: [] }), name: 'flat', factorShapes: flat });
    expect(() => toFactorLayout({ path: 'odd', kind: 'flat', shape: [2, 3] }, new Float64Array(6))).toThrow(
      'how factors of layer kind "flat" (target "odd") lie in its weight is not known, so its weights cannot be combined; combine additive adapters, by method "cat", "linear" or "svd".',
    );
  });

  it('values that are not finite', async () => {
    const params = { ...adapter.adapter.params, embed: { a: tf.fill([9, 3], Number.NaN), b: tf.ones([3, 5]) } };
    const broken = { ...adapter, adapter: { params, state: {} } };
    const message =
      'the adapter of strategy "lora" has values at "embed" that are not finite; combine an earlier state of it.';
    expect(await wrong({}, [{ adapter: broken }])).toBe(message);
    expect(await refusal(() => combineIntoWeights(model, [{ adapter: broken }]))).toBe(message);
    const biased = { ...adapter, trained: { 'layer.0.up.bias': tf.fill([8], Number.POSITIVE_INFINITY) } };
    expect(await wrong({}, [{ adapter: biased }])).toBe(message.replace('embed', 'layer.0.up.bias'));
    const rows = { ...drawnRows([1], 1), rows: tf.fill([1, 5], Number.NaN) };
    expect(await wrong({}, [{ adapter: { ...adapter, tokenRows: { embed: rows } } }])).toBe(message);
  });
});
