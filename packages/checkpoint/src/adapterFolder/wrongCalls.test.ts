import { disposeAdapter } from '@peft/core';
import { loraFileFormat } from '@peft/lora';
import * as tf from '@tensorflow/tfjs';
import { beforeAll, expect, it } from 'vitest';
import { adapterFiles, loraPair, refusal } from '../testing/adapterFiles.ts';
import { fixtureModel } from '../testing/fixtureModel.ts';
import { loadAdapter } from './loadAdapter.ts';
import { saveAdapter } from './saveAdapter.ts';

const formats = [loraFileFormat];
const files = adapterFiles({ peft_type: 'LORA', r: 2, target_modules: ['head'] }, loraPair('head', [6, 3]));
// What programs without types may pass.
const load = loadAdapter as (...given: readonly unknown[]) => Promise<unknown>;
const save = saveAdapter as (...given: readonly unknown[]) => Promise<unknown>;

beforeAll(async () => {
  await tf.setBackend('cpu');
});

it('refuses calls of loadAdapter that are none, with all that is wrong', async () => {
  const model = await fixtureModel();
  expect(await refusal(load())).toMatchInlineSnapshot(`
    "checkpoint/options: loadAdapter:
    - the folder is undefined; pass its path, or its files as an object of Blobs by name.
    - the model is no record { targets, weights, apply }; pass one, or a model that loadPretrained of @peft/models read.
    - formats is undefined; pass the file formats that may be in the folder, as { formats: [loraFileFormat] }."
  `);
  expect(await refusal(load(files, model))).toMatchInlineSnapshot(
    `"checkpoint/options: loadAdapter: formats is undefined; pass the file formats that may be in the folder, as { formats: [loraFileFormat] }."`,
  );
  expect(await refusal(load(files, model, null))).toMatchInlineSnapshot(
    `"checkpoint/options: loadAdapter: formats is undefined; pass the file formats that may be in the folder, as { formats: [loraFileFormat] }."`,
  );
  expect(await refusal(load(files, model, { formats: loraFileFormat }))).toMatchInlineSnapshot(
    `"checkpoint/options: loadAdapter: formats is an object of 4; pass the file formats that may be in the folder, as { formats: [loraFileFormat] }."`,
  );
  expect(
    await refusal(load('', {}, { formats: [1], format: 1, adapter: '../x', checkBase: 'no', onWarning: 'console' })),
  ).toMatchInlineSnapshot(`
    "checkpoint/options: loadAdapter:
    - the folder is ""; pass its path, or its files as an object of Blobs by name.
    - the model is no record { targets, weights, apply }; pass one, or a model that loadPretrained of @peft/models read.
    - "format" is no option, the options are formats, adapter, checkBase, onWarning.
    - formats is a list of 1; pass the file formats that may be in the folder, as { formats: [loraFileFormat] }.
    - adapter is "../x"; pass the name of a folder, without slashes, or leave it out.
    - checkBase is "no"; pass true or false.
    - onWarning is "console"; pass a function of the text."
  `);
});

it('refuses calls of saveAdapter that are none, with all that is wrong', async () => {
  expect(await refusal(save())).toMatchInlineSnapshot(`
    "checkpoint/options: saveAdapter:
    - the adapter is none; pass what fineTune or loadAdapter gave, as (await run.result).adapter.
    - the folder is undefined; pass its path."
  `);
  expect(await refusal(save({}, 3))).toMatchInlineSnapshot(`
    "checkpoint/options: saveAdapter:
    - the adapter is none; pass what fineTune or loadAdapter gave, as (await run.result).adapter.
    - the folder is 3; pass its path."
  `);
  const trained = await loadAdapter(files, await fixtureModel(), { formats });
  expect(await refusal(save(trained, 'nowhere', 'SEQ_CLS'))).toMatchInlineSnapshot(
    `"checkpoint/options: saveAdapter: the options are "SEQ_CLS"; pass a record, or leave them out."`,
  );
  expect(
    await refusal(
      save(trained, 'nowhere', {
        as: 'dora',
        adapter: 'a/b',
        dtype: 'float8',
        base: 3,
        taskType: 'CHAT',
        revision: {},
        autoMapping: 'x',
        moduleNames: 'java',
        folder: 1,
      }),
    ),
  ).toMatchInlineSnapshot(`
    "checkpoint/options: saveAdapter:
    - "folder" is no option, the options are as, adapter, dtype, base, revision, taskType, autoMapping, moduleNames, fileSystem.
    - as is "dora"; pass "lora", or leave it out.
    - dtype is "float8"; pass "float32" or "float16" or "bfloat16", or leave it out.
    - moduleNames is "java"; pass "python" or "file", or leave it out.
    - adapter is "a/b"; pass the name of a folder, without slashes, or leave it out.
    - base is 3, and a text or null is expected.
    - revision is an object of 0, and a text or null is expected.
    - taskType is "CHAT", and one of "SEQ_CLS", "SEQ_2_SEQ_LM", "CAUSAL_LM", "TOKEN_CLS", "QUESTION_ANS", "FEATURE_EXTRACTION" or null is expected.
    - autoMapping is "x", and an object or null is expected."
  `);
  disposeAdapter(trained);
});

it('says what was passed to saveAdapter in place of an adapter, and that it was freed', async () => {
  const adapter = await loadAdapter(files, await fixtureModel(), { formats });
  expect(await refusal(save(Promise.resolve(adapter), 'nowhere'))).toBe(
    'checkpoint/options: saveAdapter: the adapter is a promise; await it first.',
  );
  expect(await refusal(save({ adapter, dispose() {} }, 'nowhere'))).toBe(
    'checkpoint/options: saveAdapter: the adapter is in the field "adapter" of what was passed; pass that.',
  );
  disposeAdapter(adapter);
  expect(await refusal(save(adapter, 'nowhere'))).toBe(
    'checkpoint/options: saveAdapter: the adapter has 2 tensors that were disposed of; save it before they are freed.',
  );
});

it('says why an adapter without a target is no folder', async () => {
  const adapter = await loadAdapter(files, await fixtureModel(), { formats });
  const { fileFormat: _, factors: __, ...none } = adapter.strategy;
  const bare = { ...adapter, strategy: { ...none, name: 'none' }, targets: [], adapter: { params: {}, state: {} } };
  expect(await refusal(save(bare, 'nowhere'))).toBe(
    'checkpoint/not-additive: no target is adapted, only modules trained whole or rows, and Python PEFT has these in a folder only beside LoRA or AdaLoRA; give the run a strategy and targets, or write the merged model: saveModel with the weights of mergeAdapter.',
  );
  disposeAdapter(adapter);
});
