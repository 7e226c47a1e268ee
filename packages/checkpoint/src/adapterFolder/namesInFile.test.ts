import { disposeAdapter, type HostArray, hostArray, isPeftError, type TrainedAdapter } from '@peft/core';
import { loraFileFormat } from '@peft/lora';
import * as tf from '@tensorflow/tfjs';
import { beforeAll, expect, it } from 'vitest';
import { writeSafetensors } from '../safetensors/writeSafetensors.ts';
import { fixtureModel } from '../testing/fixtureModel.ts';
import { loadAdapter } from './loadAdapter.ts';

const pythonPaths = { 'layer.0.query': 'body.0.q_proj', 'layer.1.query': 'body.1.q_proj', embed: 'tokens' };
const targets = ['head', 'layer.0.query', 'layer.1.query'];

beforeAll(async () => {
  await tf.setBackend('cpu');
});

function pairs(modules: readonly string[], rank = 1): Record<string, HostArray> {
  const ones = (rows: number, columns: number) => hostArray(new Float32Array(rows * columns).fill(1), [rows, columns]);
  return Object.fromEntries(
    modules.flatMap((module): [string, HostArray][] => [
      [`base_model.model.${module}.lora_A.weight`, ones(rank, 6)],
      [`base_model.model.${module}.lora_B.weight`, ones(module === 'head' ? 3 : 6, rank)],
    ]),
  );
}

type Written = {
  readonly modules: readonly string[];
  readonly config: Readonly<Record<string, unknown>>;
  readonly more?: Readonly<Record<string, HostArray>>;
  readonly warnings?: string[];
};

async function load(
  { modules, config, more = {}, warnings }: Written,
  paths: Readonly<Record<string, string>> = pythonPaths,
) {
  const files = {
    'adapter_config.json': new TextEncoder().encode(JSON.stringify({ peft_type: 'LORA', r: 1, ...config })),
    'adapter_model.safetensors': writeSafetensors(new Map(Object.entries({ ...pairs(modules), ...more }))),
  };
  const onWarning = (warning: string) => (warnings ? warnings.push(warning) : expect.unreachable(warning));
  const model = { ...(await fixtureModel()), pythonPaths: paths };
  return loadAdapter(files, model, { formats: [loraFileFormat], onWarning });
}

async function pathsOf(loading: Promise<TrainedAdapter>): Promise<readonly string[]> {
  const trained = await loading;
  disposeAdapter(trained);
  return trained.targets.map(({ path }) => path);
}

async function refusal(promise: Promise<unknown>): Promise<string> {
  const error = await promise.catch((reason: unknown) => reason);
  if (!isPeftError(error)) throw error;
  return `${error.code}: ${error.message}`;
}

const python = ['head', 'body.0.q_proj', 'body.1.q_proj'];

it("reads Python's names and those of model files alike, by any kind of selection", async () => {
  const selections = [['q_proj', 'head'], '.*q_proj|head', python];
  for (const target_modules of selections) {
    expect(await pathsOf(load({ modules: python, config: { target_modules } }))).toEqual(targets);
  }
  for (const target_modules of [['query', 'head'], '.*query|head', targets]) {
    expect(await pathsOf(load({ modules: targets, config: { target_modules } }))).toEqual(targets);
  }
  const all = { target_modules: 'all-linear', exclude_modules: ['body.0.q_proj'] };
  expect(await pathsOf(load({ modules: ['body.1.q_proj'], config: all }))).toEqual(['layer.1.query']);
  const layers = { target_modules: ['q_proj'], layers_to_transform: 1, layers_pattern: 'body' };
  expect(await pathsOf(load({ modules: ['body.1.q_proj'], config: layers }))).toEqual(['layer.1.query']);
});

it('leaves an output head of another name out of "all-linear"', async () => {
  const config = { target_modules: 'all-linear' };
  const named = { ...pythonPaths, head: 'score' };
  expect(await pathsOf(load({ modules: ['body.0.q_proj', 'body.1.q_proj'], config }, named))).toEqual(targets.slice(1));
});

it("takes a copy of the base's own weight for what it is, by Python's name", async () => {
  const embed = (await fixtureModel()).weights.get('embed.weight');
  const config = { target_modules: ['head', 'q_proj'] };
  const more = { 'base_model.model.tokens.weight': embed };
  expect(await pathsOf(load({ modules: python, more, config }))).toEqual(targets);
});

it('refuses a file that mixes the two', async () => {
  const mixed = {
    modules: ['head', 'body.0.q_proj', 'layer.1.query'],
    config: { target_modules: ['q_proj', 'query'] },
  };
  expect(await refusal(load(mixed))).toMatchInlineSnapshot(
    `"checkpoint/adapter-tensors: adapter_model.safetensors: the file mixes two sets of module names, Python's in memory ("base_model.model.body.0.q_proj.lora_A.weight") and those of model files ("base_model.model.layer.1.query.lora_A.weight"), and Python would leave one of them out; save the adapter again, or rename its tensors one way."`,
  );
  const bias = { 'base_model.model.layer.1.query.bias': hostArray(new Float32Array(6)) };
  const trained = { modules: ['body.0.q_proj'], more: bias, config: { target_modules: ['q_proj'], bias: 'all' } };
  expect(await refusal(load(trained))).toMatchInlineSnapshot(
    `"checkpoint/adapter-tensors: adapter_model.safetensors: the file mixes two sets of module names, Python's in memory ("base_model.model.body.0.q_proj.lora_A.weight") and those of model files ("base_model.model.layer.1.query.bias"), and Python would leave one of them out; save the adapter again, or rename its tensors one way."`,
  );
});

it("is as strict by Python's names", async () => {
  const config = { target_modules: ['q_proj', 'head'], modules_to_save: ['tokens'] };
  const stray = { 'base_model.model.body.0.q_proj.gate': hostArray([1]) };
  expect(await refusal(load({ modules: ['head', 'body.0.q_proj'], more: stray, config }))).toMatchInlineSnapshot(`
    "checkpoint/adapter-tensors: adapter_model.safetensors: the adapter does not fit its configuration and this model (7 tensors are expected, the file has 5); load the base it was trained on, or save it again:
      "base_model.model.body.1.q_proj.lora_A.weight" is missing, and [1, 6] is expected
      "base_model.model.body.1.q_proj.lora_B.weight" is missing, and [6, 1] is expected
      "base_model.model.tokens.weight" is missing, and [7, 6] is expected
      "base_model.model.body.0.q_proj.gate" belongs to nothing"
  `);
});

it('judges settings by the names of the tensors, and warns of a selection that Python would not follow', async () => {
  const warnings: string[] = [];
  const config = { target_modules: ['query', 'head'] };
  expect(await pathsOf(load({ modules: python, config, warnings }))).toEqual(targets);
  expect(warnings).toMatchInlineSnapshot(`
    [
      "the given files: target_modules does not select "body.0.q_proj", "body.1.q_proj", whose tensors are in the file; they are used here, and Python PEFT would leave them out.",
    ]
  `);
});

it('asks for what either selection means where the tensors fit both sets of names', async () => {
  expect(await pathsOf(load({ modules: ['head'], config: { target_modules: ['head'] } }))).toEqual(['head']);
  expect(
    await refusal(load({ modules: ['head'], config: { target_modules: ['head', 'q_proj'] } })),
  ).toMatchInlineSnapshot(`
    "checkpoint/adapter-tensors: adapter_model.safetensors: the adapter does not fit its configuration and this model (6 tensors are expected, the file has 2); load the base it was trained on, or save it again:
      "base_model.model.body.0.q_proj.lora_A.weight" is missing, and [1, 6] is expected
      "base_model.model.body.0.q_proj.lora_B.weight" is missing, and [6, 1] is expected
      "base_model.model.body.1.q_proj.lora_A.weight" is missing, and [1, 6] is expected
      "base_model.model.body.1.q_proj.lora_B.weight" is missing, and [6, 1] is expected"
  `);
  expect(
    await refusal(load({ modules: ['head'], config: { target_modules: ['head', 'query'] } })),
  ).toMatchInlineSnapshot(`
    "checkpoint/adapter-tensors: adapter_model.safetensors: the adapter does not fit its configuration and this model (6 tensors are expected, the file has 2); load the base it was trained on, or save it again:
      "base_model.model.layer.0.query.lora_A.weight" is missing, and [1, 6] is expected
      "base_model.model.layer.0.query.lora_B.weight" is missing, and [6, 1] is expected
      "base_model.model.layer.1.query.lora_A.weight" is missing, and [1, 6] is expected
      "base_model.model.layer.1.query.lora_B.weight" is missing, and [6, 1] is expected"
  `);
  // Names that change places say nothing either: Python's count.
  const swapped = { 'layer.0.query': 'layer.1.query', 'layer.1.query': 'layer.0.query' };
  const config = { target_modules: ['layer.0.query'] };
  expect(await pathsOf(load({ modules: ['layer.0.query'], config }, swapped))).toEqual(['layer.1.query']);
  // A name that is one module's here and another's in Python leaves it to the rest.
  const moved = { 'layer.0.query': 'layer.1.query', 'layer.1.query': 'layer.2.query' };
  for (const modules of [targets.slice(1), ['layer.1.query', 'layer.2.query']]) {
    expect(await pathsOf(load({ modules, config: { target_modules: modules } }, moved))).toEqual(targets.slice(1));
  }
});

it('keeps patterns on the layers they were written for', async () => {
  const config = {
    target_modules: python,
    alpha_pattern: { 'body.1': 9, 'body.1.q_proj': 4, '^h.*': 2 },
    rank_pattern: { '0.q_proj': 2, tokens: 7 },
  };
  const more = pairs(['body.0.q_proj'], 2);
  const { strategy, ...trained } = await load({ modules: python, more, config });
  expect(strategy).toMatchObject({
    options: {
      rankPattern: { '^layer\\.0\\.query': 2 },
      alphaPattern: { '^layer\\.1\\.query': 4, '^head': 2 },
    },
  });
  disposeAdapter({ strategy, ...trained });
  const ambiguous = { ...config, rank_pattern: { q_proj: 1, '0.q_proj': 2 } };
  expect(await refusal(load({ modules: python, more, config: ambiguous }))).toMatchInlineSnapshot(
    `"target/ambiguous-pattern: the given files: target "body.0.q_proj" is matched by keys with different values, "0.q_proj" (2), "q_proj" (1); files keep keys sorted, so which comes first would change on reload; anchor a key with "^" or give it a longer path so that one matches."`,
  );
  const untyped = { ...config, rank_pattern: { q_proj: 'two' } };
  expect(await refusal(load({ modules: python, config: untyped }))).toMatchInlineSnapshot(
    `
    "checkpoint/adapter-config: the given files: adapter_config.json cannot be used as it is; correct it, or save the adapter again:
      rank_pattern["q_proj"] is "two", and a whole number of at least 1 is expected"
  `,
  );
});

it("calls modules trained whole by the model's paths", async () => {
  const whole = {
    'base_model.model.body.0.q_proj.weight': hostArray(new Float32Array(36), [6, 6]),
    'base_model.model.body.0.q_proj.bias': hostArray(new Float32Array(6)),
  };
  const config = { target_modules: ['head'], modules_to_save: ['0.q_proj', 'score'] };
  const trained = await load({ modules: ['head'], more: whole, config });
  expect(trained.modulesToSave).toEqual(['layer.0.query']);
  expect(Object.keys(trained.trained).sort()).toEqual(['layer.0.query.bias', 'layer.0.query.weight']);
  disposeAdapter(trained);
});

it('refuses a model that gives two modules one name', async () => {
  const loading = load({ modules: ['head'], config: {} }, { embed: 'head' });
  expect(await refusal(loading)).toMatchInlineSnapshot(`
    "checkpoint/module-names: the model's pythonPaths give several modules one name; give each its own:
      "head": "embed", "head""
  `);
});
