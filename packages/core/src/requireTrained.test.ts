import * as tf from '@tensorflow/tfjs';
import { beforeAll, expect, it } from 'vitest';
import { toyOptions } from '../test/toyRun.ts';
import type { AnyModel } from './model.ts';
import { toyData, toyModel } from './testing/toyModel.ts';
import { attach, disposeAdapter, mergeAdapter } from './trainedAdapter.ts';
import { batches } from './training/dataSource.ts';
import { evaluate } from './training/evaluate.ts';
import { fineTune } from './training/fineTune.ts';
import { regression } from './training/loss.ts';
import { tensorsOf } from './tree.ts';

beforeAll(async () => {
  await tf.setBackend('cpu');
});

const refusal = (call: () => unknown) =>
  Promise.resolve()
    .then(call)
    .then(
      () => 'nothing was refused',
      (error) => `${error.code}: ${error.message}`,
    );

it('what is no trained adapter is refused wherever one is needed, with what to pass', async () => {
  const model = toyModel();
  const result = await fineTune(model, toyOptions({ steps: 1 })).result;
  const usual = 'pass what fineTune or loadAdapter gave, as (await run.result).adapter';
  for (const [value, remedy] of [
    [undefined, usual],
    [null, usual],
    ['tickets', usual],
    [result.adapter.adapter, usual],
    [result, 'its field "adapter" holds one: pass that'],
    [Promise.resolve(result.adapter), 'it is a promise: await it first'],
  ] as const) {
    const none = value as never;
    const says = `adapter/none: the adapter is no trained adapter; ${remedy}.`;
    expect(await refusal(() => attach(model, none))).toBe(says);
    expect(await refusal(() => mergeAdapter(model, none))).toBe(says);
    expect(await refusal(() => disposeAdapter(none))).toBe(says.replace('the adapter', 'disposeAdapter: this'));
    if (value === undefined) continue;
    const options = { data: batches(toyData(), { batchSize: 8 }), loss: regression(), adapter: none };
    expect(await refusal(() => evaluate(model, options))).toBe(says.replace('the adapter', 'evaluate: the adapter'));
  }
  result.dispose();
});

it('an adapter whose tensors were freed', async () => {
  const model = toyModel();
  const { adapter, dispose } = await fineTune(model, toyOptions({ steps: 1 })).result;
  const count = tensorsOf({
    params: adapter.adapter.params,
    state: adapter.adapter.state,
    own: adapter.trained,
  }).length;
  dispose();
  const says = `adapter/disposed: the adapter has ${count} tensors that were disposed of; use it before they are freed, or load it again.`;
  expect(await refusal(() => attach(model, adapter))).toBe(says);
  expect(await refusal(() => mergeAdapter(model, adapter))).toBe(says);
  const options = { data: batches(toyData(), { batchSize: 8 }), loss: regression(), adapter };
  expect(await refusal(() => evaluate(model, options))).toBe(says.replace('the adapter', 'evaluate: the adapter'));
  disposeAdapter(adapter);
});

it('a wrong call of evaluate, all at once', async () => {
  const data =
    'data is neither a data source nor an iterable of batches; pass one, for example batches(columns, { batchSize })';
  const loss = 'loss is missing; pass one, for example classification()';
  for (const none of [undefined, null, 3, {}]) {
    expect(await refusal(() => evaluate(toyModel(), none as never))).toBe(
      `evaluate/options: evaluate:\n- ${loss}.\n- ${data}.`,
    );
  }
  expect(
    await refusal(() =>
      evaluate(toyModel(), {
        data: batches(toyData(), { batchSize: 8 }),
        loss: regression(),
        engine: 'onnx',
        batch: 1,
      } as never),
    ),
  ).toBe(
    'evaluate/options: evaluate:\n- "batch" is no option; the options are data, loss, adapter, engine.\n- engine cannot compile; pass one, for example onnxEngine() of @peft/onnx-backend, or leave it out.',
  );
  expect(await refusal(() => evaluate({} as AnyModel, {} as never))).toBe(
    'model/record: evaluate: the model lacks targets (a list), weights (new Weights(...)), apply (a function of batch and at); pass a record { targets, weights, apply }, or a model that loadPretrained of @peft/models read.',
  );
});
