import { adaloraFileFormat } from '@peft/adalora';
import { disposeAdapter } from '@peft/core';
import { loraFileFormat } from '@peft/lora';
import * as tf from '@tensorflow/tfjs';
import { beforeAll, expect, it } from 'vitest';
import { adaloraTriplets, adapterFiles, counting, loraPair, refusal } from '../testing/adapterFiles.ts';
import { fixtureModel } from '../testing/fixtureModel.ts';
import { loadAdapter } from './loadAdapter.ts';

const formats = [loraFileFormat, adaloraFileFormat];
const config = { peft_type: 'LORA', r: 2, target_modules: ['query'] };
const tensors = { ...loraPair('layer.0.query', [6, 6]), ...loraPair('layer.1.query', [6, 6]) };

beforeAll(async () => {
  await tf.setBackend('cpu');
});

function renamed<T>(record: Readonly<Record<string, T>>, rename: (key: string) => string): Record<string, T> {
  return Object.fromEntries(Object.entries(record).map(([key, value]) => [rename(key), value]));
}

async function load(settings: object, arrays: typeof tensors) {
  const onWarning = (warning: string) => expect.unreachable(warning);
  return loadAdapter(adapterFiles({ ...config, ...settings }, arrays), await fixtureModel(), { formats, onWarning });
}

it.each([
  ['_orig_mod.', (key: string) => key.replace('base_model.model.', 'base_model.model._orig_mod.')],
  ['_orig_mod. in front', (key: string) => `_orig_mod.${key}`],
  ['_fsdp_wrapped_module.', (key: string) => key.replaceAll('layer.', '_fsdp_wrapped_module.layer.')],
  ['module. in front', (key: string) => `module.${key}`],
])('reads names with %s as names without', async (_, rename) => {
  const settings = {
    target_modules: '_orig_mod\\.layer\\..*query',
    rank_pattern: { '^_orig_mod.layer.0.query': 2 },
  };
  const trained = await load(settings, renamed(tensors, rename));
  expect(trained.targets.map(({ path }) => path)).toEqual(['layer.0.query', 'layer.1.query']);
  expect(trained.fileConfig).toMatchObject({
    target_modules: 'layer\\..*query',
    rank_pattern: { '^layer.0.query': 2 },
  });
  disposeAdapter(trained);
});

it('refuses a file in which two names would be one', async () => {
  const both = { ...tensors, ...renamed(loraPair('layer.0.query', [6, 6]), (key) => `_orig_mod.${key}`) };
  expect(await refusal(load({}, both))).toMatchInlineSnapshot(`
    "checkpoint/adapter-tensors: adapter_model.safetensors: without the names of torch's wrappers these are there twice; save the adapter again:
      "_orig_mod.base_model.model.layer.0.query.lora_A.weight"
      "_orig_mod.base_model.model.layer.0.query.lora_B.weight"
      "base_model.model.layer.0.query.lora_A.weight"
      "base_model.model.layer.0.query.lora_B.weight""
  `);
});

it('says where the names of an adapter come from', async () => {
  const inMemory = renamed(tensors, (key) => key.replace(/\.lora_(A|B)\./, '.lora_$1.tickets.'));
  expect(await refusal(load({}, inMemory))).toMatchInlineSnapshot(
    `"checkpoint/adapter-tensors: adapter_model.safetensors: 4 of 4 tensors have the name of an adapter in theirs ("tickets"), such as "base_model.model.layer.0.query.lora_A.tickets.weight": a raw state_dict was saved; save the adapter with save_pretrained(folder), or take the name out."`,
  );
  const triplets = renamed(adaloraTriplets('layer.0.query', [6, 6]), (key) => `${key}.default`);
  const ada = { peft_type: 'ADALORA', init_r: 2, total_step: 9, target_modules: ['0.query'] };
  expect(await refusal(load(ada, triplets as typeof tensors))).toMatchInlineSnapshot(
    `"checkpoint/adapter-tensors: adapter_model.safetensors: 3 of 3 tensors have the name of an adapter in theirs ("default"), such as "base_model.model.layer.0.query.lora_A.default": a raw state_dict was saved; save the adapter with save_pretrained(folder), or take the name out."`,
  );
});

it('takes a misspelt name of a part for no adapter: it is listed with what is missing', async () => {
  const misspelt = renamed(tensors, (key) => key.replace('query.lora_B.weight', 'query.lora_B.wieght'));
  expect(await refusal(load({}, misspelt))).toContain(
    '"base_model.model.layer.0.query.lora_B.wieght" belongs to nothing; was "base_model.model.layer.0.query.lora_B.weight" meant?',
  );
});

it("says that the prefix of Python's wrapper is missing", async () => {
  expect(
    await refusal(
      load(
        {},
        renamed(tensors, (key) => key.replace('base_model.model.', '')),
      ),
    ),
  ).toMatchInlineSnapshot(
    `"checkpoint/adapter-tensors: adapter_model.safetensors: no tensor's name begins with "base_model.model.", as "layer.0.query.lora_A.weight" should: they are named as in the model inside; save the adapter with save_pretrained(folder) of the PeftModel, or put it before every name."`,
  );
});

it('names what a left-over name may have been meant for, and counts a long list', async () => {
  const typed = renamed(tensors, (key) => key.replace('layer.1.query.lora_B', 'layer.1.query.lora_b'));
  expect(await refusal(load({}, typed))).toMatchInlineSnapshot(`
    "checkpoint/adapter-tensors: adapter_model.safetensors: the adapter does not fit its configuration and this model (4 tensors are expected, the file has 4); load the base it was trained on, or save it again:
      "base_model.model.layer.1.query.lora_B.weight" is missing, and [6, 2] is expected
      "base_model.model.layer.1.query.lora_b.weight" belongs to nothing; was "base_model.model.layer.1.query.lora_B.weight" meant?"
  `);
  const many = Object.fromEntries(Array.from({ length: 70 }, (_, index) => [`stray.${index}`, counting(1)]));
  const message = await refusal(load({}, { ...tensors, ...many }));
  expect(message).toContain('the file has 74');
  expect(message.match(/belongs to nothing/g)).toHaveLength(50);
  expect(message).toContain('and 20 more');
});
