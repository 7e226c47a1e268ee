import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { adalora, adaloraFileFormat } from '@peft/adalora';
import { cola } from '@peft/cola';
import { type AnyModel, disposeAdapter, type FineTuneOptions, type TrainedAdapter } from '@peft/core';
import { lora, loraFileFormat } from '@peft/lora';
import * as tf from '@tensorflow/tfjs';
import { beforeAll, expect, it } from 'vitest';
import { openSafetensors } from '../safetensors/openSafetensors.ts';
import { refusal } from '../testing/adapterFiles.ts';
import { fixtureModel } from '../testing/fixtureModel.ts';
import { relativeDistance } from '../testing/relativeDistance.ts';
import { withTemporaryFolder } from '../testing/temporaryFolder.ts';
import { fixtureOutput, trainFixture } from '../testing/trainFixture.ts';
import { loadAdapter } from './loadAdapter.ts';
import { type SaveAdapterOptions, saveAdapter } from './saveAdapter.ts';

const formats = [loraFileFormat, adaloraFileFormat];
const pythonPaths = { 'layer.0.query': 'body.0.q_proj', 'layer.1.query': 'body.1.q_proj', embed: 'tokens' };

beforeAll(async () => {
  await tf.setBackend('cpu');
});

/** The fixtures' model, of which Python calls all modules but the head otherwise. */
async function renamedModel(): Promise<AnyModel> {
  return { ...(await fixtureModel()), pythonPaths };
}

const train = async (options: Partial<FineTuneOptions>): Promise<TrainedAdapter> =>
  trainFixture({ targets: ['query', 'head'], ...options }, await renamedModel());
const outputOf = async (trained: TrainedAdapter) => fixtureOutput(trained, await renamedModel());

async function configOf(trained: TrainedAdapter): Promise<Record<string, unknown>> {
  let text = '';
  await withTemporaryFolder(async (parent) => {
    await saveAdapter(trained, join(parent, 'adapter'));
    text = await readFile(join(parent, 'adapter', 'adapter_config.json'), 'utf8');
  });
  return JSON.parse(text);
}

const unexpected = (warning: string) => expect.unreachable(warning);

/** Saves, hands over config and names, loads again and compares outputs. */
async function roundTrip(trained: TrainedAdapter, options: SaveAdapterOptions = {}) {
  let config: Record<string, unknown> = {};
  let names: string[] = [];
  await withTemporaryFolder(async (parent) => {
    const folder = join(parent, 'adapter');
    await saveAdapter(trained, folder, options);
    config = JSON.parse(await readFile(join(folder, 'adapter_config.json'), 'utf8'));
    const { tensors } = await openSafetensors(join(folder, 'adapter_model.safetensors'));
    names = [...tensors.keys()].map((name) => name.replace('base_model.model.', '')).sort();
    const loaded = await loadAdapter(folder, await renamedModel(), { formats, onWarning: unexpected });
    expect(trained.targets).toEqual(expect.arrayContaining([...loaded.targets]));
    expect(loaded.pythonPaths).toBe(pythonPaths);
    expect(relativeDistance(await outputOf(loaded), await outputOf(trained))).toBeLessThan(1e-6);
    disposeAdapter(loaded);
  });
  return { config, names };
}

it("writes Python's names where the model states them, and those of model files by option", async () => {
  const trained = await train({ strategy: lora({ rank: 1 }) });
  expect(trained.pythonPaths).toBe(pythonPaths);
  const python = await roundTrip(trained);
  expect(python.config.target_modules).toEqual(['body.0.q_proj', 'body.1.q_proj', 'head']);
  expect(python.names).toEqual(
    ['body.0.q_proj', 'body.1.q_proj', 'head'].flatMap((path) => [`${path}.lora_A.weight`, `${path}.lora_B.weight`]),
  );
  expect(await roundTrip(trained, { moduleNames: 'python' })).toEqual(python);
  const file = await roundTrip(trained, { moduleNames: 'file' });
  expect(file.config.target_modules).toEqual(['head', 'layer.0.query', 'layer.1.query']);
  expect(file.names).toEqual(
    ['head', 'layer.0.query', 'layer.1.query'].flatMap((path) => [`${path}.lora_A.weight`, `${path}.lora_B.weight`]),
  );
  disposeAdapter(trained);
});

it('writes rank and alpha patterns for the names that Python has', async () => {
  const strategy = lora({
    rank: 1,
    rankPattern: { '0.query': 3, head: 2 },
    alphaPattern: { query: 5, '^embed': 3 },
  });
  const trained = await train({ strategy, targets: ['embed', 'query', 'head'] });
  const { config } = await roundTrip(trained);
  expect(config.rank_pattern).toEqual({ '^body\\.0\\.q_proj': 3, '^head': 2 });
  expect(config.alpha_pattern).toEqual({ '^body\\.0\\.q_proj': 5, '^body\\.1\\.q_proj': 5, '^tokens': 3 });
  const file = await roundTrip(trained, { moduleNames: 'file' });
  expect(file.config.rank_pattern).toEqual({ '0.query': 3, head: 2 });
  disposeAdapter(trained);
  const untouched = await train({ strategy: lora({ rank: 1, rankPattern: { 'he.d': 2 } }), targets: ['head'] });
  expect((await roundTrip(untouched)).config.rank_pattern).toEqual({ 'he.d': 2 });
  disposeAdapter(untouched);
});

it("writes AdaLoRA's rank pattern and a chain's ranks by the names that Python has", async () => {
  const paths = ['body.0.q_proj', 'body.1.q_proj', 'head'];
  const ada = await train({ strategy: adalora({ initRank: 4, targetBudget: 5, warmupSteps: 1, finalSteps: 3 }) });
  const { config, names } = await roundTrip(ada);
  expect(Object.keys(config.rank_pattern as object)).toEqual(paths.map((path) => `${path}.lora_E`));
  expect(names).toEqual(paths.flatMap((path) => ['lora_A', 'lora_B', 'lora_E'].map((name) => `${path}.${name}`)));
  const plain = await roundTrip(ada, { as: 'lora' });
  expect(plain.config.rank_pattern).toEqual(plain.config.alpha_pattern);
  const keys = Object.keys(plain.config.rank_pattern as object);
  expect(keys.length).toBeGreaterThan(0);
  for (const key of keys) expect(paths.map((path) => `^${path.replaceAll('.', '\\.')}`)).toContain(key);
  disposeAdapter(ada);
  const chain = await train({ strategy: cola(lora({ rank: 1 }), { links: 3 }) });
  expect(chain.finished).toHaveLength(2);
  expect((await roundTrip(chain)).config).toMatchObject({ r: 3, target_modules: paths });
  disposeAdapter(chain);
});

it('excludes targets of rank 0 by the names that Python has', async () => {
  const live = await train({ strategy: lora({ rank: 1 }) });
  const factors: TrainedAdapter['strategy']['factors'] = (adapter, target) =>
    target.path === 'layer.0.query' ? undefined : live.strategy.factors?.(adapter, target);
  const trained = { ...live, strategy: { ...live.strategy, fileFormat: undefined, factors } };
  expect(await configOf(trained)).toMatchObject({
    target_modules: ['body.1.q_proj', 'head'],
    exclude_modules: ['body.0.q_proj'],
  });
  disposeAdapter(live);
});

it('names modules trained whole as Python does, and those of a name it lacks one by one', async () => {
  const trained = await train({ strategy: lora({ rank: 1 }), targets: ['head'], modulesToSave: ['layer', 'embed'] });
  const { config, names } = await roundTrip(trained);
  expect(config.modules_to_save).toEqual(['body.0.q_proj', 'body.1.q_proj', 'tokens']);
  expect(names).toEqual([
    'body.0.q_proj.bias',
    'body.0.q_proj.weight',
    'body.1.q_proj.bias',
    'body.1.q_proj.weight',
    'head.lora_A.weight',
    'head.lora_B.weight',
    'tokens.weight',
  ]);
  expect((await roundTrip(trained, { moduleNames: 'file' })).config.modules_to_save).toEqual(['layer', 'embed']);
  disposeAdapter(trained);
  const same = await train({ strategy: lora({ rank: 1 }), targets: ['query'], modulesToSave: ['head'] });
  expect((await roundTrip(same)).config.modules_to_save).toEqual(['head']);
  disposeAdapter(same);
});

it('keeps a name in modules_to_save only where Python finds the same parameters by it, once', async () => {
  const saved = await train({ strategy: lora({ rank: 1 }), targets: ['head'], modulesToSave: ['query'] });
  const modulesIn = async (trained: TrainedAdapter) => (await configOf(trained)).modules_to_save;
  const layers = { 'layer.0.query': 'body.0.query', 'layer.1.query': 'body.1.query' };
  expect(await modulesIn({ ...saved, pythonPaths: layers })).toEqual(['query']);
  const exact = ['body.0.query', 'body.1.query'];
  expect(await modulesIn({ ...saved, pythonPaths: { ...layers, embed: 'query.tokens' } })).toEqual(exact);
  const within = { ...layers, 'layer.0.query': 'query.0.query' };
  expect(await modulesIn({ ...saved, pythonPaths: within })).toEqual(['query.0.query', 'body.1.query']);
  const bias = saved.trained['layer.0.query.bias'] as tf.Tensor;
  const more = { ...saved, modulesToSave: ['layer'], trained: { ...saved.trained, 'layer.0.norm.gain': bias } };
  expect(await modulesIn(more)).toEqual(['body.0.q_proj', 'body.1.q_proj', 'layer.0.norm']);
  disposeAdapter(saved);
});

it('selects by an expression where only in Python a name ends another', async () => {
  const trained = await train({ strategy: lora({ rank: 1 }), targets: ['head'] });
  expect((await configOf(trained)).target_modules).toEqual(['head']);
  const ends = { ...pythonPaths, head: 'q_proj' };
  expect((await configOf({ ...trained, pythonPaths: ends })).target_modules).toBe('q_proj');
  disposeAdapter(trained);
});

it('names trained biases as Python does, inside and outside adapted layers', async () => {
  const trained = await train({ strategy: lora({ rank: 1 }), targets: ['layer.0.query'], bias: 'all' });
  expect((await roundTrip(trained)).names).toEqual([
    'body.0.q_proj.base_layer.bias',
    'body.0.q_proj.lora_A.weight',
    'body.0.q_proj.lora_B.weight',
    'body.1.q_proj.bias',
    'head.bias',
  ]);
  disposeAdapter(trained);
});

it('refuses a model that gives two modules one name', async () => {
  const trained = await train({ strategy: lora({ rank: 1 }), targets: ['head'] });
  const shared = { ...trained, pythonPaths: { embed: 'head', 'layer.0.query': 'x', 'layer.1.query': 'x' } };
  expect(await refusal(saveAdapter(shared, 'nowhere'))).toMatchInlineSnapshot(`
    "checkpoint/module-names: the model's pythonPaths give several modules one name; give each its own:
      "head": "embed", "head"
      "x": "layer.0.query", "layer.1.query""
  `);
  disposeAdapter(trained);
});
