import * as tf from '@tensorflow/tfjs';
import { beforeAll, describe, expect, it } from 'vitest';
import { withKnots } from '../../test/knots.ts';
import { tiedColumns, tiedModel } from '../../test/tiedModel.ts';
import { toyOptions } from '../../test/toyRun.ts';
import { adaptedAt } from '../adaptedAt.ts';
import { toFloat32 } from '../hostArray.ts';
import type { AnyModel } from '../model.ts';
import { adamw } from '../optimizers/adamw.ts';
import { sgd } from '../optimizers/sgd.ts';
import type { AnyStrategy } from '../strategy.ts';
import { requireClose } from '../testing/equality.ts';
import { toyModel } from '../testing/toyModel.ts';
import { toyStrategy } from '../testing/toyStrategy.ts';
import { attach, mergeAdapter, type TrainedAdapter } from '../trainedAdapter.ts';
import { unwind } from '../unwind.ts';
import { Weights } from '../weights.ts';
import { batches } from './dataSource.ts';
import { evaluate } from './evaluate.ts';
import { type FineTuneOptions, fineTune } from './fineTune.ts';
import { classification } from './loss.ts';
import type { TrainingState } from './trainingState.ts';

const ids = [5, 0, 2];

beforeAll(async () => {
  await tf.setBackend('cpu');
});

const tiedOptions = (changes: Partial<FineTuneOptions> = {}): FineTuneOptions => ({
  loss: classification(),
  data: batches(tiedColumns, { batchSize: 3, shuffle: false }),
  steps: 5,
  optimizer: adamw({ weightDecay: 0.01 }),
  schedule: 0.02,
  seed: 4,
  progress: false,
  onWarning: () => {},
  trainableTokens: ids,
  ...changes,
});
const lowRank = { strategy: toyStrategy() as AnyStrategy, targets: ['query'] };
const trainTied = async (changes: Partial<FineTuneOptions> = {}, model: AnyModel = tiedModel()) =>
  (await fineTune(model, tiedOptions(changes)).result).adapter;

const rowsOf = ({ tokenRows }: TrainedAdapter, table = 'embed') => tokenRows[table]?.rows.arraySync() as number[][];
const tableOf = (weights: Weights, path = 'embed') => {
  const { shape, ...array } = weights.get(`${path}.weight`);
  const values = toFloat32({ shape, ...array });
  const width = shape[1] as number;
  return Array.from({ length: shape[0] as number }, (_, row) => [...values.subarray(row * width, (row + 1) * width)]);
};
const outputOf = (apply: (batch: Record<string, tf.Tensor>) => tf.Tensor) =>
  tf.tidy(
    () => apply({ ids: tf.tensor2d(tiedColumns.ids.data as Int32Array, [6, 2], 'int32') }).dataSync() as Float32Array,
  );
const bare = (model: AnyModel, weights = model.weights) =>
  outputOf((batch) => model.apply(batch, adaptedAt({ weights, modules: model.targets })));
const adapted = async (model: AnyModel, adapter: TrainedAdapter) => {
  const attached = await attach(model, adapter);
  const output = outputOf((batch) => attached.apply(batch));
  attached.dispose();
  return output;
};

describe('rows of a table that a head shares', () => {
  it('begin as the table has them and change nothing', async () => {
    const model = tiedModel();
    const adapter = await trainTied({ steps: 1, schedule: 0 }, model);
    expect(adapter.tokenRows.embed).toMatchObject({ ids, heads: ['head'] });
    expect(rowsOf(adapter)).toEqual(ids.map((id) => tableOf(model.weights)[id]));
    requireClose(await adapted(model, adapter), bare(model), { what: 'output', tolerance: 1e-6 });
  });

  it('move by the gradient that the whole table would have there, through lookups and head', async () => {
    const model = tiedModel();
    const options = { steps: 1, optimizer: sgd(), schedule: 8, data: batches(tiedColumns, { batchSize: 6 }) };
    const rows = rowsOf(await trainTied(options, model));
    // Without a tie in its books, table and head train apart, and their gradients add up.
    const { ties: _, ...apart } = tiedModel();
    const whole = await trainTied({ ...options, trainableTokens: undefined, modulesToSave: ['embed', 'head'] }, apart);
    const base = tableOf(model.weights);
    const moved = (path: string) => {
      const after = whole.trained[`${path}.weight`]?.arraySync() as number[][];
      return (row: number, column: number) => (after[row]?.[column] as number) - (base[row]?.[column] as number);
    };
    const [table, head] = [moved('embed'), moved('head')];
    const actual = rows.flatMap((row, index) =>
      row.map((value, column) => value - (base[ids[index] as number]?.[column] as number)),
    );
    const expected = ids.flatMap((id) =>
      (base[id] as number[]).map((_, column) => table(id, column) + head(id, column)),
    );
    requireClose(actual, expected, { what: 'change of the rows', tolerance: 1e-5 });
  });

  it('merged change these rows of table and head alone, which stay one, and give the same outputs', async () => {
    const model = tiedModel();
    const adapter = await trainTied(lowRank, model);
    const merged = await mergeAdapter(model, adapter);
    const base = tableOf(model.weights);
    for (const path of ['embed', 'head']) {
      const rows = tableOf(merged, path);
      for (const [row, values] of rows.entries()) {
        const slot = ids.indexOf(row);
        expect(values).toEqual(slot < 0 ? base[row] : rowsOf(adapter)[slot]);
      }
    }
    requireClose(bare(model, merged), await adapted(model, adapter), { what: 'output', tolerance: 1e-6 });
    merged.dispose();
    expect(tableOf(model.weights)).toEqual(base);
  });

  it('are seen by a strategy that adapts the head', async () => {
    const model = tiedModel();
    const seen: number[][][] = [];
    const toy = toyStrategy() as AnyStrategy;
    const strategy: AnyStrategy = {
      ...toy,
      forward(adapter, target, call) {
        if (!call.training) seen.push(call.weight.arraySync() as number[][]);
        return toy.forward(adapter, target, call);
      },
    };
    const adapter = await trainTied({ strategy, targets: ['head'] }, model);
    const output = await adapted(model, adapter);
    expect(seen).toEqual([tableOf(model.weights).map((row, id) => rowsOf(adapter)[ids.indexOf(id)] ?? row)]);
    const merged = await mergeAdapter(model, adapter);
    requireClose(bare(model, merged), output, { what: 'output', tolerance: 1e-6 });
    merged.dispose();
  });

  it('are not those of a head with other values, which has parted', async () => {
    const model = tiedModel();
    const other = new Weights(
      model.weights.paths.map((path) => [
        path,
        path === 'head.weight' ? tiedModel(9).weights.get(path) : model.weights.get(path),
      ]),
    );
    expect((await trainTied({}, { ...model, weights: other })).tokenRows.embed?.heads).toEqual([]);
  });

  it('let no loss take the head as it lies in the weights', async () => {
    const model = tiedModel();
    const at = (tokenRows: TrainedAdapter['tokenRows']) =>
      adaptedAt({ weights: model.weights, modules: model.targets, tokenRows });
    const { tokenRows } = await trainTied({}, model);
    expect([at({}).frozen('head'), at(tokenRows).frozen('head')]).toEqual([expect.anything(), undefined]);
    expect(at(tokenRows).parameter('head.weight').arraySync()).toEqual(
      at(tokenRows).parameter('embed.weight').arraySync(),
    );
    expect(at(tokenRows).parameter('head.bias').arraySync()).toEqual([...toFloat32(model.weights.get('head.bias'))]);
  });
});

describe('a run with rows', () => {
  it('resumes bit-equal, moments and all', async () => {
    const saves: TrainingState[] = [];
    const store = {
      save: async (state: TrainingState) => void saves.push(structuredClone(state)),
      load: async () => undefined,
    };
    const whole = await trainTied({ ...lowRank, checkpoints: { store, every: 2 } });
    expect(Object.keys(saves[0]?.tensors ?? {}).filter((path) => path.includes('tokenRows'))).toEqual([
      'slots/tokenRows/embed/m',
      'slots/tokenRows/embed/v',
      'tokenRows/embed',
    ]);
    const resumed = await trainTied({ ...lowRank, resume: saves[0] });
    expect(rowsOf(resumed)).toEqual(rowsOf(whole));
    expect(resumed.tokenRows.embed).toMatchObject({ ids, heads: ['head'] });
  });

  it.each([
    ['other rows', [5, 0, 3], /trainableTokens\.embed was \[5, 0, 2\], now \[5, 0, 3\]/],
    ['the same in another order', [0, 5, 2], /trainableTokens\.embed was \[5, 0, 2\], now \[0, 5, 2\]/],
  ])('is not resumed with %s', async (_, tokens, says) => {
    const saves: TrainingState[] = [];
    const store = {
      save: async (state: TrainingState) => void saves.push(structuredClone(state)),
      load: async () => undefined,
    };
    await trainTied({ checkpoints: { store, every: 2 } });
    await expect(trainTied({ resume: saves[0], trainableTokens: tokens })).rejects.toMatchObject({
      code: 'resume/mismatch',
      message: expect.stringMatching(says),
    });
  });

  it('is not resumed from a save that lost them', async () => {
    const saves: TrainingState[] = [];
    const store = {
      save: async (state: TrainingState) => void saves.push(structuredClone(state)),
      load: async () => undefined,
    };
    await trainTied({ checkpoints: { store, every: 2 } });
    const { 'tokenRows/embed': _, ...tensors } = saves[0]?.tensors ?? {};
    await expect(trainTied({ resume: { ...(saves[0] as TrainingState), tensors } })).rejects.toThrow(
      'tokenRows/embed [3,6] is missing',
    );
  });

  it('accumulates as one big batch', async () => {
    const big = await trainTied({ ...lowRank, data: batches(tiedColumns, { batchSize: 6, shuffle: false }) });
    const small = await trainTied({
      ...lowRank,
      data: batches(tiedColumns, { batchSize: 2, shuffle: false }),
      accumulate: 3,
    });
    requireClose(rowsOf(small).flat(), rowsOf(big).flat(), { what: 'rows', tolerance: 1e-5 });
  });

  it('keeps the best rows, and evaluates as the adapter does', async () => {
    const model = tiedModel();
    const evaluation = { data: batches(tiedColumns, { batchSize: 6 }), every: 1 };
    const rising = (step: number) => (step < 2 ? 0.05 : 3);
    const {
      adapter,
      evaluation: best,
      step,
    } = await fineTune(model, tiedOptions({ evaluation, keepBest: true, schedule: rising, steps: 6 })).result;
    expect(step).toBeLessThan(6);
    const found = await evaluate(model, { data: evaluation.data, loss: classification(), adapter });
    expect(found.loss).toBeCloseTo(best?.loss ?? Number.NaN, 6);
    expect(found.loss).not.toBeCloseTo(
      (await evaluate(model, { data: evaluation.data, loss: classification() })).loss,
      3,
    );
  });

  it('begins from an adapter’s rows, and refuses other ones', async () => {
    const model = tiedModel();
    const from = await trainTied(lowRank, model);
    const again = await trainTied({ ...lowRank, from, schedule: 0, steps: 1 }, model);
    expect(rowsOf(again)).toEqual(rowsOf(from));
    const others = trainTied({ ...lowRank, from, trainableTokens: [0, 5, 2] }, model);
    await expect(others).rejects.toThrow('tokenRows/embed are rows 5,0,2, here 0,5,2.');
    const none = trainTied({ ...lowRank, from, trainableTokens: undefined }, model);
    await expect(none).rejects.toThrow('tokenRows/embed is not trained here.');
  });

  it('trains nothing else without a strategy, frees its tensors, and keeps the base', async () => {
    const model = tiedModel();
    const before = tableOf(model.weights);
    const held = tf.memory().numTensors;
    const { adapter, dispose } = await fineTune(model, tiedOptions()).result;
    expect([adapter.trained, adapter.adapter.params, Object.keys(adapter.tokenRows)]).toEqual([{}, {}, ['embed']]);
    dispose();
    model.weights.dispose();
    expect(tf.memory().numTensors).toBe(held);
    expect(tableOf(model.weights)).toEqual(before);
  });

  it('goes through knots with its rows as they are, whose moments follow the policy of the head', async () => {
    const model = toyModel();
    const options = toyOptions({
      strategy: withKnots(2),
      targets: ['query'],
      trainableTokens: { embed: ids },
      steps: 5,
    });
    const saves: TrainingState[] = [];
    const store = {
      save: async (state: TrainingState) => void saves.push(structuredClone(state)),
      load: async () => undefined,
    };
    const { adapter } = await fineTune(model, { ...options, checkpoints: { store, every: 1 } }).result;
    expect(saves.map(({ starts }) => starts['tokenRows/embed'])).toEqual([0, 0, 0, 0, 0]);
    expect(saves.map(({ starts }) => starts['adapter/layer.0.query/a'])).toEqual([0, 2, 2, 4, 4]);
    expect(adapter.finished).toHaveLength(2);
    expect(rowsOf(unwind(adapter, 1))).toEqual(rowsOf(adapter));
  });

  it('ends at a merge into a head that shares a table with them, and is refused where one may come', async () => {
    const { part: _, ...sudden } = withKnots(2);
    await expect(trainTied({ strategy: sudden, targets: ['head'] })).rejects.toMatchObject({
      code: 'strategy/tied-merge',
      message:
        'strategy "knots" merges into "head", which shares the table of "embed" with the rows of trainableTokens and would part from it; exclude "head" from targets.',
    });
    expect(() => fineTune(tiedModel(), tiedOptions({ strategy: withKnots(2), targets: ['head'] }))).toThrow(
      'fineTune: strategy "knots" may merge into "head" during the run, which shares the table of "embed" with the rows of trainableTokens and would part from it; exclude "head" from targets.',
    );
  });
});
