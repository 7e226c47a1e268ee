import { type AnyModel, disposeAdapter, isPeftError, type TrainedAdapter } from '@peft/core';
import { requireClose, toyModel } from '@peft/core/testing';
import * as tf from '@tensorflow/tfjs';
import { afterEach, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import { adapterOf, outputOf, plainLora, toyIds } from '../test/index.ts';
import { type AdapterSet, adapterSet, describeAdapter, sumAdapters } from './index.ts';

let model: AnyModel;
let set: AdapterSet;
let trained: TrainedAdapter;

beforeAll(async () => {
  await tf.setBackend('cpu');
});

beforeEach(async () => {
  model = toyModel();
  set = adapterSet(model);
  trained = await adapterOf(model, plainLora());
  await set.add('tickets', trained);
  await set.add('style', await adapterOf(model, plainLora(), { seed: 2 }));
  await set.activate({ style: 0.5 });
});

afterEach(() => set.dispose());

/** Code and text of what an operation refuses, which leaves the set as it was. */
async function refusal(operation: () => unknown): Promise<string> {
  const state = () => ({ names: set.names, active: [...set.active], isMerged: set.isMerged });
  const [before, output] = [state(), outputOf((batch) => set.apply(batch))];
  const error = await Promise.resolve()
    .then(operation)
    .then(
      () => 'nothing was refused',
      (reason: unknown) => reason,
    );
  expect(state()).toEqual(before);
  requireClose(
    outputOf((batch) => set.apply(batch)),
    output,
    { what: 'output' },
  );
  return isPeftError(error) ? `${error.code}: ${error.message}` : String(error);
}

const ids = (count = 5) => ({ ids: tf.zeros([count, 2], 'int32') });

describe('names', () => {
  it('unknown ones, with the nearest', async () => {
    expect(await refusal(() => set.activate('ticket'))).toBe(
      'adapters/unknown: adapterSet: there is no adapter "ticket"; the nearest of 2 are "tickets", "style".',
    );
    const says = 'adapters/unknown: adapterSet: there is no adapter "x"; the nearest of 2 are "style", "tickets".';
    for (const operation of [
      () => set.activate({ tickets: 1, x: 1 }),
      () => set.remove('x'),
      () => set.take('x'),
      () => set.swap('x', trained),
      () => set.apply(ids(), { adapters: ['x'] }),
      () => set.apply(ids(), { rows: ['x', 'x', 'x', 'x', 'x'] }),
      () => set.predict(toyIds(), { adapters: 'x' }),
      () => set.sum('x'),
    ]) {
      expect(await refusal(operation)).toBe(says);
    }
    const empty = adapterSet(model);
    await expect(empty.activate('x')).rejects.toThrow('adapterSet: there is no adapter "x"; the set holds none.');
  });

  it('that are taken, empty, or none', async () => {
    expect(await refusal(() => set.add('tickets', trained))).toBe(
      'adapters/name: adapterSet: there is an adapter "tickets" already; choose another name, or swap it.',
    );
    for (const [name, said] of [
      ['', '""'],
      [undefined, 'undefined'],
      [7, '7'],
    ] as const) {
      expect(await refusal(() => set.add(name as string, trained))).toBe(
        `adapters/name: adapterSet: ${said} is no name of an adapter; pass a string that is not empty.`,
      );
    }
  });

  it('of what is active, when it is to go', async () => {
    const says =
      'adapters/active: adapterSet: adapter "style" is active; activate others, or none with activate([]), before it goes.';
    expect(await refusal(() => set.remove('style'))).toBe(says);
    expect(await refusal(() => set.take('style'))).toBe(says);
  });
});

describe('choices', () => {
  it('weights that are no finite number', async () => {
    for (const weight of [Number.NaN, Number.POSITIVE_INFINITY, '1', undefined]) {
      const choice = { tickets: weight } as Record<string, number>;
      expect(await refusal(() => set.activate(choice))).toBe(
        `adapters/weight: adapterSet: the weight of adapter "tickets" is ${weight}; it must be a finite number.`,
      );
    }
  });

  it('that are no choice, or name an adapter twice', async () => {
    for (const choice of [null, undefined, 3]) {
      expect(await refusal(() => set.activate(choice as never))).toBe(
        `adapters/choice: adapterSet: ${choice} chooses no adapters; pass a name, a list of names, or weights by name.`,
      );
    }
    expect(await refusal(() => set.activate(['style', 'tickets', 'style']))).toBe(
      'adapters/choice: adapterSet: adapter "style" is named twice; name it once, or weigh it.',
    );
  });

  it('options of a call that mean nothing, or two things', async () => {
    expect(await refusal(() => set.apply(ids(), { row: [] } as never))).toBe(
      'adapters/call: adapterSet: "row" is no option of a call; the options are adapters, rows.',
    );
    expect(await refusal(() => set.predict(toyIds(), { a: 1, b: 2 } as never))).toBe(
      'adapters/call: adapterSet: "a", "b" are no options of a call; the options are adapters, rows.',
    );
    expect(await refusal(() => set.apply(ids(), { rows: ['style'], adapters: 'style' }))).toBe(
      'adapters/call: adapterSet: a call gives both adapters and rows; give one of them.',
    );
  });
});

describe('rows', () => {
  it('none, or another number than the batch has', async () => {
    expect(await refusal(() => set.apply(ids(), { rows: [] }))).toBe(
      'adapters/rows: adapterSet: rows is empty; name an adapter, or undefined, for each row.',
    );
    const says =
      'adapters/rows: adapterSet: rows chooses for 4 rows, but "ids" [5,2] has another length; give each row its choice, or state a fixed first axis in the model\'s inputs.';
    const rows = ['style', undefined, 'style', 'tickets'];
    expect(await refusal(() => set.apply(ids(), { rows }))).toBe(says);
    expect(await refusal(() => set.predict(toyIds(), { rows }))).toBe(says);
    const batch = { ...ids(), mask: tf.zeros([2]) };
    expect(await refusal(() => set.apply(batch, { rows }))).toBe(
      'adapters/rows: adapterSet: rows chooses for 4 rows, but "ids" [5,2], "mask" [2] have another length; give each row its choice, or state a fixed first axis in the model\'s inputs.',
    );
  });

  it('of an output that has lost them', async () => {
    const mean: AnyModel = { ...model, apply: (batch, at) => tf.mean(model.apply(batch, at), 0) };
    const means = adapterSet(mean);
    await means.add('a', await adapterOf(model, plainLora()));
    const says =
      "adapterSet: the model's output for 1 rows has shape [2,3], so which row is whose is not known; let its first axis be that of the batch.";
    const rows = ['a', undefined];
    expect(() => means.apply(ids(2), { rows })).toThrow(says);
    await expect(means.predict(toyIds(2), { rows })).rejects.toThrow(says);
    await means.dispose();
  });

  it('are those of the tensors whose first axis the model does not state as a number', async () => {
    const shared: AnyModel = {
      ...model,
      inputs: { ids: { dtype: 'int32', shape: ['batch', 2] }, scale: { dtype: 'float32', shape: [3] } },
      apply: (batch, at) => tf.mul(model.apply(batch, at), batch.scale as tf.Tensor),
    };
    const scaled = adapterSet(shared);
    await scaled.add('a', await adapterOf(model, plainLora()));
    const batch = { ...ids(2), scale: tf.tensor1d([1, 2, 3]) };
    const mixed = scaled.apply(batch, { rows: ['a', undefined] });
    expect(mixed.shape).toEqual([2, 2, 3]);
    const alone = scaled.apply(batch, { adapters: 'a' });
    requireClose(mixed.dataSync().slice(0, 6), alone.dataSync().slice(0, 6), { what: 'first row', tolerance: 1e-6 });
    await scaled.dispose();
  });
});

describe('adapters', () => {
  it('of another base, and of another model', async () => {
    const other = toyModel(2);
    const foreign = await adapterOf(other, plainLora());
    const says = `was made on a base with fingerprint ${other.weights.fingerprint()}, but this model's is ${model.weights.fingerprint()}; load the base it was trained on, without merges.`;
    expect(await refusal(() => set.add('foreign', foreign))).toBe(
      `model/fingerprint: adapterSet: adapter "foreign" ${says}`,
    );
    expect(await refusal(() => set.swap('style', foreign))).toBe(
      `model/fingerprint: adapterSet: adapter "style" ${says}`,
    );
    await expect(sumAdapters(model, [{ adapter: trained }, { adapter: foreign }])).rejects.toThrow(
      `sumAdapters: adapter 1 ${says}`,
    );
    const targets = ['a', 'b', 'c'].map((path) => ({ path, kind: 'dense', shape: [2, 2] }));
    const strange = { ...trained, targets: [...targets, { path: 'head', kind: 'dense', shape: [6, 4] }] };
    expect(await refusal(() => set.add('strange', strange))).toBe(
      'adapters/targets: adapterSet: adapter "strange" changes "a" (dense [2,2]), "b" (dense [2,2]), "c" (dense [2,2]), "head" (dense [6,4], here dense [6,3]), which this model does not have; load the model it was trained on.',
    );
    const rows = { table: { ids: [0], heads: [], rows: tf.zeros([1, 6]) } };
    const whole = { ...trained, trained: { 'tail.weight': tf.zeros([1]) }, tokenRows: rows, targets };
    expect(await refusal(() => set.add('strange', whole))).toBe(
      'adapters/targets: adapterSet: adapter "strange" changes "a" (dense [2,2]), "b" (dense [2,2]), "c" (dense [2,2]), "tail.weight" (trained whole) and 1 more, which this model does not have; load the model it was trained on.',
    );
  });

  it('whose tensors are gone, or belong to another already', async () => {
    expect(await refusal(() => set.add('twin', trained))).toBe(
      'adapters/shared: adapterSet: adapter "twin" has tensors of adapter "tickets", which would be freed with either; load it a second time.',
    );
    const gone = await adapterOf(model, plainLora());
    disposeAdapter(gone);
    expect(await refusal(() => set.add('gone', gone))).toBe(
      'adapters/disposed-tensors: adapterSet: adapter "gone" has 8 tensors that were disposed of; load it again, or do not free a run\'s result that is still to serve.',
    );
  });
});

it('a merge of nothing', async () => {
  await set.activate([]);
  expect(await refusal(() => set.merge())).toBe(
    'adapters/none-active: adapterSet: no adapter is active to be merged; activate one first.',
  );
});

it('weights of a sum', async () => {
  await expect(sumAdapters(model, [{ adapter: trained, weight: Number.NaN }])).rejects.toThrow(
    'sumAdapters: the weight of adapter 0 is NaN; it must be a finite number.',
  );
});

it('a set that was disposed of, whatever is asked of it', async () => {
  await set.dispose();
  await set.dispose();
  const says = 'adapterSet: this set was disposed of; make a new one.';
  for (const operation of [
    () => set.add('a', trained),
    () => set.activate('a'),
    () => set.merge(),
    () => set.predict(toyIds()),
    () => set.describe(),
  ]) {
    await expect(operation()).rejects.toThrow(says);
  }
  for (const operation of [
    () => set.apply(ids()),
    () => set.disable(),
    () => set.enable(),
    () => set.whileDisabled(() => 1),
    () => set.sum('a'),
  ]) {
    expect(operation).toThrow(says);
  }
});

it('what is no adapter, wherever one is to be taken in', async () => {
  const usual = 'pass what fineTune or loadAdapter gave, as (await run.result).adapter';
  for (const [none, remedy] of [
    [undefined, usual],
    [{ adapter: trained, dispose() {} }, 'its field "adapter" holds one: pass that'],
    [Promise.resolve(trained), 'it is a promise: await it first'],
  ] as const) {
    expect(await refusal(() => set.add('x', none as never))).toBe(
      `adapter/none: adapterSet: adapter "x" is no trained adapter; ${remedy}.`,
    );
    expect(await refusal(() => set.swap('style', none as never))).toBe(
      `adapter/none: adapterSet: adapter "style" is no trained adapter; ${remedy}.`,
    );
    expect(await refusal(() => describeAdapter(model, none as never))).toBe(
      `adapter/none: describeAdapter: the adapter is no trained adapter; ${remedy}.`,
    );
    expect(await refusal(() => sumAdapters(model, [{ adapter: none as never }]))).toBe(
      `adapter/none: sumAdapters: adapter 0 is no trained adapter; ${remedy}.`,
    );
  }
  expect(await refusal(() => sumAdapters(model, [trained] as never))).toBe(
    `adapter/none: sumAdapters: adapter 0 is no trained adapter; ${usual}.`,
  );
  expect(await refusal(() => sumAdapters(model, [undefined] as never))).toBe(
    `adapter/none: sumAdapters: adapter 0 is no trained adapter; ${usual}.`,
  );
  for (const none of [undefined, trained, 'a']) {
    expect(await refusal(() => sumAdapters(model, none as never))).toBe(
      'adapters/choice: sumAdapters: the parts are no list; pass [{ adapter, weight }].',
    );
  }
});

it('a choice without keys of its own, which would choose the base, and entries that are no names', async () => {
  const pass = 'pass a name, a list of names, or weights by name.';
  for (const [choice, said] of [
    [new Map([['style', 1]]), 'a Map'],
    [Promise.resolve('style'), 'a promise, not awaited,'],
  ] as const) {
    const says = `adapters/choice: adapterSet: ${said} chooses no adapters; ${pass}`;
    expect(await refusal(() => set.activate(choice as never))).toBe(says);
    expect(await refusal(() => set.apply(ids(), { adapters: choice as never }))).toBe(says);
  }
  expect(await refusal(() => set.activate(['style', 3] as never))).toBe(
    'adapters/choice: adapterSet: entry 1 of a choice is 3; list names only, or pass weights by name.',
  );
  const rows = ['style', null, 'style', 'style', 'style'] as never;
  expect(await refusal(() => set.apply(ids(), { rows }))).toBe(
    `adapters/choice: adapterSet: null chooses no adapters; ${pass}`,
  );
});

it('options and arguments of another type', async () => {
  expect(await refusal(() => set.predict(toyIds(), { rows: 'style' } as never))).toBe(
    'adapters/call: adapterSet: rows is no list; pass one choice for each row of the batch.',
  );
  for (const options of ['style', null]) {
    expect(await refusal(() => set.predict(toyIds(), options as never))).toBe(
      `adapters/call: adapterSet: the options of a call are ${JSON.stringify(options)}; pass a record, as { adapters: 'name' }, or leave them out.`,
    );
  }
  expect(await refusal(() => set.whileDisabled(undefined as never))).toBe(
    'adapters/call: adapterSet: whileDisabled takes a function; pass () => set.predict(batch).',
  );
});

it('a set without a model, or with options that are none', async () => {
  const noModel =
    'the model is none; pass a record { targets, weights, apply }, or what loadPretrained of @peft/models read.';
  const noEngine = 'engine cannot compile; pass one, as onnxEngine() of @peft/onnx-backend, or leave it out.';
  expect(await refusal(() => adapterSet(undefined as never))).toBe(`adapters/set: adapterSet: ${noModel}`);
  expect(await refusal(() => adapterSet(model, null as never))).toBe(
    'adapters/set: adapterSet: the options are no record; pass { engine }, or leave them out.',
  );
  expect(await refusal(() => adapterSet({} as never, { engin: 1, engine: 'onnx' } as never))).toBe(
    `adapters/set: adapterSet:\n- ${noModel}\n- "engin" is no option; the option is engine.\n- ${noEngine}`,
  );
});

it('a batch of the wrong kind, column by column', async () => {
  const host = 'predict takes host arrays, as hostArray(data, shape) of @peft/core; apply takes tensors.';
  const tensors = 'apply takes tensors, as tf.tensor(data, shape, dtype); predict takes host arrays.';
  expect(await refusal(() => set.predict(ids() as never))).toBe(
    `adapters/batch: adapterSet: predict: column "ids" is a tensor; ${host}`,
  );
  expect(await refusal(() => set.predict({ ids: [[1, 2]], mask: null, x: {}, y: 3 } as never))).toBe(
    `adapters/batch: adapterSet: predict: column "ids" is a plain array, column "mask" is null, column "x" is an object, column "y" is 3; ${host}`,
  );
  expect(await refusal(() => set.predict(toyIds().ids as never))).toBe(
    `adapters/batch: adapterSet: predict: the batch is a host array, and a record of columns by name is expected; ${host}`,
  );
  expect(await refusal(() => set.predict(undefined as never))).toBe(
    `adapters/batch: adapterSet: predict: the batch is undefined, and a record of columns by name is expected; ${host}`,
  );
  expect(await refusal(() => set.apply(toyIds() as never))).toBe(
    `adapters/batch: adapterSet: apply: column "ids" is a host array; ${tensors}`,
  );
  expect(await refusal(() => set.apply(ids().ids as never))).toBe(
    `adapters/batch: adapterSet: apply: the batch is a tensor, and a record of columns by name is expected; ${tensors}`,
  );
});

it('options of a merge that mean nothing', async () => {
  for (const options of [{ saf: true }, { safe: 'no' }, null]) {
    expect(await refusal(() => set.merge(options as never))).toBe(
      `adapters/call: adapterSet: the options of merge are ${JSON.stringify(options)}; pass { safe: true } or { safe: false }, or leave them out.`,
    );
  }
});
