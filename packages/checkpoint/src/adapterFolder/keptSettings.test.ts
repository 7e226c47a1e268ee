import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { adaloraFileFormat } from '@peft/adalora';
import {
  adamw,
  batches,
  disposeAdapter,
  type FineTuneOptions,
  fineTune,
  hostArray,
  regression,
  type TrainedAdapter,
} from '@peft/core';
import { loraFileFormat } from '@peft/lora';
import * as tf from '@tensorflow/tfjs';
import fc from 'fast-check';
import { beforeAll, describe, expect, it, test } from 'vitest';
import { adaloraTriplets, adapterFiles, loraPair } from '../testing/adapterFiles.ts';
import { fixtureModel } from '../testing/fixtureModel.ts';
import { withTemporaryFolder } from '../testing/temporaryFolder.ts';
import { trainingDirectory } from '../trainingState/trainingDirectory.ts';
import { adaloraFields } from './adaloraFields.ts';
import type { ConfigField } from './configField.ts';
import { loadAdapter } from './loadAdapter.ts';
import { loraFields } from './loraFields.ts';
import { type SaveAdapterOptions, saveAdapter } from './saveAdapter.ts';

const formats = [loraFileFormat, adaloraFileFormat];
const queries = ['layer.0.query', 'layer.1.query'];

beforeAll(async () => {
  await tf.setBackend('cpu');
});

type Config = Readonly<Record<string, unknown>>;

/** Another value than Python's default for every field that a file may set without being refused. */
const others = {
  alpha_pattern: { '1.query': 3.25 },
  auto_mapping: { base_model_class: 'Tiny', parent_library: 'tiny' },
  base_model_name_or_path: 'org/tiny',
  corda_config: { corda_method: 'kpm' },
  ensure_weight_tying: true,
  eva_config: { rho: 1.5 },
  exclude_modules: ['head'],
  fan_in_fan_out: true,
  init_lora_weights: 'eva',
  layers_pattern: ['layer'],
  layers_to_transform: [0, 1],
  loftq_config: { loftq_bits: 4 },
  lora_alpha: 0.3,
  lora_dropout: 0.05,
  lora_ga_config: { direction: 'ArBr' },
  megatron_config: { tensor_model_parallel_size: 2 },
  megatron_core: null,
  modules_to_save: ['nothing-of-this-model'],
  qalora_group_size: 32,
  r: 2,
  rank_pattern: { 'query|nothing': 2 },
  revision: 'main',
  target_modules: ['query', 'head'],
  task_type: 'FEATURE_EXTRACTION',
  use_rslora: true,
} as const;

/** Fields whose other value needs other tensors, which the golden folders have. */
const elsewhere = ['bias', 'use_dora', 'trainable_token_indices'];

const adaloraOthers = {
  ...others,
  r: 3,
  init_r: 2,
  target_r: 9,
  tinit: 2,
  tfinal: 3,
  deltaT: 2,
  total_step: 17,
  beta1: 0.7,
  beta2: 0.9,
  orth_reg_weight: 0.25,
  rank_pattern: { 'layer.0.query.lora_E': [true, true], 'layer.1.query.lora_E': [true, true] },
  alora_invocation_tokens: [3],
  arrow_config: { top_k: 1 },
  init_lora_weights: 'pissa',
  kasa_config: {},
  lora_bias: true,
  monteclora_config: {},
  use_bdlora: {},
  use_qalora: true,
  velora_config: {},
};

const methods = [
  { fields: loraFields, config: { ...others }, tensors: tensorsOf(loraPair) },
  { fields: adaloraFields, config: adaloraOthers, tensors: tensorsOf(adaloraTriplets) },
];

function tensorsOf(parts: typeof loraPair | typeof adaloraTriplets) {
  return { ...parts('layer.0.query', [6, 6]), ...parts('layer.1.query', [6, 6]) };
}

const wholeConfig = (fields: Readonly<Record<string, ConfigField>>, config: Config): Config => ({
  ...Object.fromEntries(Object.entries(fields).map(([key, field]) => [key, field.default])),
  ...config,
});

async function load(config: Config, tensors: Parameters<typeof adapterFiles>[1]): Promise<TrainedAdapter> {
  return loadAdapter(adapterFiles(config, tensors), await fixtureModel(), { formats, onWarning: () => {} });
}

async function saved(trained: TrainedAdapter, options?: SaveAdapterOptions): Promise<Config> {
  let config: Config = {};
  await withTemporaryFolder(async (parent) => {
    await saveAdapter(trained, join(parent, 'a'), options);
    config = JSON.parse(await readFile(join(parent, 'a/adapter_config.json'), 'utf8'));
  });
  return config;
}

describe.each(methods)('$fields.peft_type.default', ({ fields, config, tensors }) => {
  const refused = Object.entries<ConfigField>(fields).filter(
    ([, { fate }]) => fate === 'refused' || fate === 'computed',
  );

  test('every field that may be set is set in these tests', () => {
    const covered = [...Object.keys(config), ...elsewhere, ...refused.map(([key]) => key)];
    expect(Object.keys(fields).filter((key) => !covered.includes(key))).toEqual([]);
    for (const [key, value] of Object.entries(config)) {
      expect(value, key).not.toEqual((fields as Readonly<Record<string, ConfigField>>)[key]?.default);
    }
  });

  test('all of them are written again as they stood', async () => {
    const given = wholeConfig(fields, config);
    const trained = await load(given, tensors);
    expect(await saved(trained)).toEqual(given);
    disposeAdapter(trained);
  });

  test.each(Object.keys(config))('%s is, alone', async (key) => {
    // The numbers of layers and their container stand together, as ranks do with tensors and steps with each other.
    const together = ['layers_to_transform', 'layers_pattern', 'tinit', 'tfinal', 'total_step', 'r', 'init_r'];
    const alone = Object.fromEntries(
      Object.entries(config).filter(([name]) => name === key || together.includes(name) || name === 'target_modules'),
    );
    const given = wholeConfig(fields, { ...alone, exclude_modules: ['head'] });
    const trained = await load(given, tensors);
    expect((await saved(trained))[key]).toEqual(given[key]);
    disposeAdapter(trained);
  });
});

const lora = wholeConfig(loraFields, { ...others, init_lora_weights: true });

it('whatever Python may have said of base, task and beginnings is written again', async () => {
  const tensors = tensorsOf(loraPair);
  const key = fc
    .string({ unit: 'binary', minLength: 1 })
    .filter((each) => !(each in loraFields) && each !== 'runtime_config');
  const record = fc.oneof(
    fc.constant(null),
    fc.dictionary(fc.string({ unit: 'binary' }), fc.jsonValue({ maxDepth: 3 })),
  );
  const text = fc.oneof(fc.constant(null), fc.string({ unit: 'binary' }));
  const drawn = fc.record({
    auto_mapping: record,
    base_model_name_or_path: text,
    corda_config: record,
    eva_config: record,
    loftq_config: record,
    lora_ga_config: record,
    megatron_config: record,
    megatron_core: text,
    qalora_group_size: fc.integer({ min: 1, max: 2 ** 40 }),
    revision: text,
    fan_in_fan_out: fc.boolean(),
  });
  await fc.assert(
    fc.asyncProperty(drawn, fc.dictionary(key, fc.jsonValue({ maxDepth: 3 })), async (known, unknown) => {
      const given = { ...lora, ...known, ...unknown };
      const trained = await load(given, tensors);
      expect(await saved(trained)).toEqual(JSON.parse(JSON.stringify(given)));
      disposeAdapter(trained);
    }),
    { numRuns: 15 },
  );
});

it('says them anew where the call does, also as null', async () => {
  const trained = await load(lora, tensorsOf(loraPair));
  const options = { base: 'mine', revision: null, taskType: 'CAUSAL_LM', autoMapping: null } as const;
  expect(await saved(trained, options)).toEqual({
    ...lora,
    base_model_name_or_path: 'mine',
    revision: null,
    task_type: 'CAUSAL_LM',
    auto_mapping: null,
  });
  disposeAdapter(trained);
});

it('keeps what a newer Python PEFT said, which this one does not know', async () => {
  const newer = { ...lora, use_magic: { spells: [1, 'two', null] } };
  const trained = await load(newer, tensorsOf(loraPair));
  expect(await saved(trained)).toEqual(newer);
  disposeAdapter(trained);
});

it('writes a selection, names, patterns and initialisation of its own where the old ones no longer hold', async () => {
  const whole = await load({ ...lora, rank_pattern: { query: 2 } }, tensorsOf(loraPair));
  const [first] = queries as [string];
  const { [first]: params } = whole.adapter.params as Readonly<Record<string, tf.TensorContainerObject>>;
  const part = {
    ...whole,
    targets: whole.targets.filter(({ path }) => path === first),
    adapter: { params: { [first]: params }, state: {} } as TrainedAdapter['adapter'],
  };
  expect(await saved(part)).toMatchObject({
    target_modules: [first],
    exclude_modules: null,
    layers_to_transform: null,
    layers_pattern: null,
    base_model_name_or_path: 'org/tiny',
  });
  disposeAdapter(whole);
});

it("writes the strategy's own numbers where the file's are others", async () => {
  const trained = await load(lora, tensorsOf(loraPair));
  const fileConfig = {
    ...lora,
    alpha_pattern: { query: 9 },
    init_lora_weights: 'gaussian',
    lora_alpha: 0.31,
    modules_to_save: ['head'],
    rank_pattern: { '1.query': 3 },
    r: 5,
    lora_dropout: 0.5,
    use_rslora: false,
    bias: 'all',
  };
  expect(await saved({ ...trained, fileConfig })).toEqual({ ...lora, modules_to_save: null });
  disposeAdapter(trained);
  const triplets = await load(wholeConfig(adaloraFields, adaloraOthers), tensorsOf(adaloraTriplets));
  const other = {
    ...triplets.fileConfig,
    target_r: 1,
    total_step: 99,
    beta1: 0.5,
    rank_pattern: { 'layer.0.query.lora_E': [true, false] },
  };
  expect(await saved({ ...triplets, fileConfig: other })).toMatchObject({
    target_r: 2,
    total_step: 17,
    beta1: 0.7,
    rank_pattern: null,
  });
  disposeAdapter(triplets);
});

it('keeps of another method only what is about the base and the task', async () => {
  const trained = await load(wholeConfig(adaloraFields, adaloraOthers), tensorsOf(adaloraTriplets));
  expect(await saved(trained, { as: 'lora' })).toEqual({
    ...wholeConfig(loraFields, {}),
    alpha_pattern: {},
    auto_mapping: others.auto_mapping,
    base_model_name_or_path: 'org/tiny',
    lora_alpha: 2,
    r: 2,
    revision: 'main',
    target_modules: queries,
    task_type: 'FEATURE_EXTRACTION',
  });
  disposeAdapter(trained);
});

it('takes no value that a file could not have from a record that was changed', async () => {
  const trained = await load(lora, tensorsOf(loraPair));
  const fileConfig = {
    ...lora,
    base_model_name_or_path: 7,
    task_type: 'DREAM',
    qalora_group_size: -1,
    lora_bias: true,
  };
  expect(await saved({ ...trained, fileConfig })).toEqual({
    ...lora,
    base_model_name_or_path: null,
    task_type: null,
    qalora_group_size: 16,
  });
  disposeAdapter(trained);
});

it('carries it through a run that continues the adapter', async () => {
  // A key without a match, which Python only warns of, would end a run of ours.
  const given = { ...lora, rank_pattern: { query: 2, nothing: 5 } };
  const from = await load(given, tensorsOf(loraPair));
  const ids = hostArray(Int32Array.of(0, 3, 6, 1, 2, 2, 5, 4), [4, 2]);
  const options: FineTuneOptions = {
    strategy: from.strategy,
    targets: queries,
    loss: regression(),
    data: batches({ ids, targets: hostArray(new Float32Array(24), [4, 2, 3]) }, { batchSize: 4 }),
    steps: 2,
    optimizer: adamw(),
    schedule: 0.01,
    progress: false,
    onWarning: () => {},
  };
  await withTemporaryFolder(async (folder) => {
    const checkpoints = { store: trainingDirectory(folder), every: 1 };
    const { adapter, dispose } = await fineTune(await fixtureModel(), { ...options, from, checkpoints }).result;
    expect(await saved(adapter)).toEqual(given);
    dispose();
    const resumed = await fineTune(await fixtureModel(), { ...options, resume: await checkpoints.store.load() }).result;
    expect(await saved(resumed.adapter)).toEqual(given);
    resumed.dispose();
  });
  disposeAdapter(from);
});
