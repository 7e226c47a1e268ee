import { type AnyModel, disposeAdapter, Weights } from '@peft/core';
import { loraFileFormat } from '@peft/lora';
import * as tf from '@tensorflow/tfjs';
import { beforeAll, expect, it } from 'vitest';
import { adapterFiles, counting, loraPair, refusal } from '../testing/adapterFiles.ts';
import { loadAdapter } from './loadAdapter.ts';

beforeAll(async () => {
  await tf.setBackend('cpu');
});

function modelWith(kind: 'transposed-dense' | 'dense'): AnyModel {
  return {
    targets: [
      { path: 'embed', kind: 'embedding', shape: [7, 4] },
      { path: 'head', kind, shape: kind === 'dense' ? [4, 7] : [7, 4] },
      { path: 'query', kind: 'dense', shape: [4, 4] },
    ],
    weights: new Weights([
      ['embed.weight', counting(7, 4)],
      ['head.weight', kind === 'dense' ? counting(4, 7) : counting(7, 4)],
      ['query.weight', counting(4, 4)],
    ]),
    apply: () => expect.unreachable('the model does not run'),
  };
}

const load = (model: AnyModel, more: object, tensors = {}) =>
  loadAdapter(
    adapterFiles(
      { peft_type: 'LORA', r: 2, target_modules: ['query'], ensure_weight_tying: true, ...more },
      { ...loraPair('query', [4, 4]), ...tensors },
    ),
    model,
    { formats: [loraFileFormat] },
  );

const table = { 'base_model.model.embed.weight': counting(7, 4) };

it('takes ensure_weight_tying where nothing is tied, or nothing of it adapted', async () => {
  disposeAdapter(await load(modelWith('transposed-dense'), {}));
  disposeAdapter(await load(modelWith('dense'), { modules_to_save: ['embed'] }, table));
  disposeAdapter(
    await load(modelWith('transposed-dense'), { ensure_weight_tying: false, modules_to_save: ['embed'] }, table),
  );
});

it('refuses it where Python would train a tied table and its head as one', async () => {
  const tied = modelWith('transposed-dense');
  expect(await refusal(load(tied, { modules_to_save: ['embed'] }, table))).toMatchInlineSnapshot(`
    "checkpoint/adapter-config: the given files: adapter_config.json cannot be used as it is; correct it, or save the adapter again:
      ensure_weight_tying is true: Python ties the adapters of an embedding and its head, and "embed" is adapted or trained whole; train it in Python without the setting"
  `);
  const head = { ...loraPair('head', [4, 7]) };
  expect(await refusal(load(tied, { target_modules: ['query', 'head'] }, head))).toMatchInlineSnapshot(`
    "checkpoint/adapter-config: the given files: adapter_config.json cannot be used as it is; correct it, or save the adapter again:
      ensure_weight_tying is true: Python ties the adapters of an embedding and its head, and "head" is adapted or trained whole; train it in Python without the setting"
  `);
});
