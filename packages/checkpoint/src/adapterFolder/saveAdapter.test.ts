import { readdir, readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { adalora } from '@peft/adalora';
import { cola } from '@peft/cola';
import {
  type AnyStrategy,
  disposeAdapter,
  type FineTuneOptions,
  hostArray,
  leavesOf,
  mergeAdapter,
  readSnapshot,
  type TrainedAdapter,
} from '@peft/core';
import { lora, loraFileFormat } from '@peft/lora';
import * as tf from '@tensorflow/tfjs';
import { beforeAll, expect, it } from 'vitest';
import { openSafetensors } from '../safetensors/openSafetensors.ts';
import { refusal } from '../testing/adapterFiles.ts';
import { failingFileSystem } from '../testing/failingFileSystem.ts';
import { fixtureModel, fixturePath } from '../testing/fixtureModel.ts';
import { relativeDistance } from '../testing/relativeDistance.ts';
import { withTemporaryFolder } from '../testing/temporaryFolder.ts';
import { fixtureOutput, trainFixture } from '../testing/trainFixture.ts';
import { loadAdapter } from './loadAdapter.ts';
import { saveAdapter } from './saveAdapter.ts';

const formats = [loraFileFormat];

beforeAll(async () => {
  await tf.setBackend('cpu');
});

const train = (strategy: AnyStrategy, options: Partial<FineTuneOptions> = {}): Promise<TrainedAdapter> =>
  trainFixture({ strategy, targets: ['query', 'head'], ...options });

async function configIn(folder: string): Promise<Record<string, unknown>> {
  return JSON.parse(await readFile(join(folder, 'adapter_config.json'), 'utf8'));
}

it('writes what Python wrote, byte for byte, but for what it was told anew and what only this library knows', () =>
  withTemporaryFolder(async (parent) => {
    const folder = join(parent, 'lora');
    const trained = await loadAdapter(fixturePath('lora'), await fixtureModel(), { formats });
    await saveAdapter(trained, folder, { base: 'org/tiny', taskType: 'SEQ_CLS' });
    const theirs = await readFile(join(fixturePath('lora'), 'adapter_config.json'), 'utf8');
    const expected = theirs
      .replace('"base_model_name_or_path": null', '"base_model_name_or_path": "org/tiny"')
      .replace('"task_type": null', '"task_type": "SEQ_CLS"');
    expect(await readFile(join(folder, 'adapter_config.json'), 'utf8')).toBe(expected);
    const bytes = await readFile(join(folder, 'adapter_model.safetensors'));
    const python = await readFile(join(fixturePath('lora'), 'adapter_model.safetensors'));
    const bodyOf = (file: Buffer) => file.subarray(8 + Number(file.readBigUInt64LE(0)));
    expect(bodyOf(bytes).equals(bodyOf(python))).toBe(true);
    const headerOf = (file: Buffer) => JSON.parse(file.subarray(8, 8 + Number(file.readBigUInt64LE(0))).toString());
    expect(headerOf(bytes)).toEqual({
      ...headerOf(python),
      __metadata__: { format: 'pt', base_fingerprint: trained.fingerprint },
    });
    disposeAdapter(trained);
  }));

it('writes a chain as one LoRA of the summed rank, equal to the live chain', () =>
  withTemporaryFolder(async (parent) => {
    const trained = await train(cola((index) => lora({ rank: 3 - index, alpha: 5 }), { links: 3 }));
    expect(trained.finished).toHaveLength(2);
    const folder = join(parent, 'chain');
    await saveAdapter(trained, folder);
    const config = await configIn(folder);
    expect(config).toMatchObject({ peft_type: 'LORA', r: 6, lora_alpha: 6, rank_pattern: {}, lora_dropout: 0 });
    const loaded = await loadAdapter(folder, await fixtureModel(), { formats });
    expect(relativeDistance(await fixtureOutput(loaded), await fixtureOutput(trained))).toBeLessThan(1e-6);
    disposeAdapter(loaded);
    disposeAdapter(trained);
  }));

it('writes links that a strategy with a format of its own has finished', () =>
  withTemporaryFolder(async (folder) => {
    const trained = await train(lora({ rank: 2 }));
    const targets = trained.targets.map(({ path }) => path);
    const link = { source: '', targets, params: await readSnapshot(trained.adapter.params), state: {} };
    await saveAdapter({ ...trained, finished: [link] }, join(folder, 'a'));
    expect(await configIn(join(folder, 'a'))).toMatchObject({ peft_type: 'LORA', r: 4, lora_alpha: 4 });
    disposeAdapter(trained);
  }));

it('writes AdaLoRA as LoRA, with the ranks that are left and rank 0 left out', () =>
  withTemporaryFolder(async (parent) => {
    const strategy = adalora({ initRank: 4, targetBudget: 5, warmupSteps: 1, finalSteps: 3 });
    const trained = await train(strategy);
    const live = trained.targets.filter(({ path }) => Object.hasOwn(trained.adapter.params, path));
    const folder = join(parent, 'lora');
    await saveAdapter(trained, folder, { as: 'lora' });
    const config = await configIn(folder);
    const { tensors } = await openSafetensors(join(folder, 'adapter_model.safetensors'));
    const rankOf = (path: string) => tensors.get(`base_model.model.${path}.lora_A.weight`)?.shape[0];
    const ranks = live.map(({ path }): [string, number | undefined] => [path, rankOf(path)]);
    expect(ranks.reduce((sum, [, rank = 0]) => sum + rank, 0)).toBe(5);
    const others = ranks.filter(([, rank]) => rank !== config.r);
    expect(others.length).toBeGreaterThan(0);
    const anchored = others.map(([path, rank]) => [`^${path.replaceAll('.', '\\.')}`, rank]);
    expect(config.rank_pattern).toEqual(Object.fromEntries(anchored));
    expect(config.alpha_pattern).toEqual(config.rank_pattern);
    expect(config.lora_alpha).toBe(config.r);
    const loaded = await loadAdapter(folder, await fixtureModel(), { formats });
    expect(relativeDistance(await fixtureOutput(loaded), await fixtureOutput(trained))).toBeLessThan(1e-6);
    disposeAdapter(loaded);
    disposeAdapter(trained);
  }));

it('excludes targets of rank 0, unless their name ends another that lives', async () => {
  const live = await train(lora({ rank: 1 }));
  const factors: AnyStrategy['factors'] = (adapter, target) =>
    target.path === 'head' ? undefined : live.strategy.factors?.(adapter, target);
  const trained = { ...live, strategy: { ...live.strategy, fileFormat: undefined, factors } };
  await withTemporaryFolder(async (folder) => {
    await saveAdapter(trained, join(folder, 'one'));
    expect(await configIn(join(folder, 'one'))).toMatchObject({
      target_modules: ['layer.0.query', 'layer.1.query'],
      exclude_modules: ['head'],
    });
    const longer = { path: 'layer.0.query.head', kind: 'dense', shape: [6, 6] };
    const renamed = trained.targets.map((target) => (target.path === 'layer.0.query' ? longer : target));
    const params = { ...live.adapter.params, [longer.path]: live.adapter.params['layer.0.query'] };
    await saveAdapter(
      { ...trained, targets: renamed, adapter: { ...live.adapter, params: params as typeof live.adapter.params } },
      join(folder, 'two'),
    );
    expect(await configIn(join(folder, 'two'))).toMatchObject({ exclude_modules: null });
  });
  disposeAdapter(live);
});

it.each(['float16', 'bfloat16'] as const)('writes floats as %s, and what is read and written again stays', (dtype) =>
  withTemporaryFolder(async (parent) => {
    const trained = await train(lora({ rank: 2, dora: true }), { targets: ['query'], modulesToSave: ['head'] });
    await saveAdapter(trained, join(parent, 'a'), { dtype });
    const bytesIn = (folder: string) => readFile(join(parent, folder, 'adapter_model.safetensors'));
    const { tensors } = await openSafetensors(join(parent, 'a/adapter_model.safetensors'));
    expect([...tensors.values()].map((tensor) => tensor.dtype)).toEqual(Array(8).fill(dtype));
    const loaded = await loadAdapter(join(parent, 'a'), await fixtureModel(), { formats });
    const precision = dtype === 'float16' ? 2 ** -11 : 2 ** -8;
    for (const [path, leaf] of leavesOf(trained.adapter.params)) {
      const read = leavesOf(loaded.adapter.params).find(([each]) => each === path)?.[1] as tf.Tensor;
      const [mine, theirs] = [read.dataSync(), leaf.dataSync()];
      mine.forEach((value, i) => {
        expect(Math.abs(value - (theirs[i] as number))).toBeLessThanOrEqual(
          precision * Math.abs(theirs[i] as number) + 2 ** -25,
        );
      });
    }
    await saveAdapter(loaded, join(parent, 'b'), { dtype });
    expect((await bytesIn('b')).equals(await bytesIn('a'))).toBe(true);
    await saveAdapter(loaded, join(parent, 'c'));
    const again = await loadAdapter(join(parent, 'c'), await fixtureModel(), { formats });
    expect(await fixtureOutput(again)).toEqual(await fixtureOutput(loaded));
    for (const each of [trained, loaded, again]) disposeAdapter(each);
  }),
);

it('writes nothing where a value is beyond the range of the dtype', () =>
  withTemporaryFolder(async (parent) => {
    const trained = await train(lora({ rank: 1 }), { targets: ['layer.0.query'] });
    const { a, b } =
      (trained.adapter.params as { readonly [path: string]: Record<string, tf.Tensor> })['layer.0.query'] ?? {};
    const params = { 'layer.0.query': { a: tf.mul(a as tf.Tensor, 1e6), b: b as tf.Tensor } };
    const large = { ...trained, adapter: { params, state: {} } };
    expect(await refusal(saveAdapter(large, join(parent, 'a'), { dtype: 'float16' }))).toMatchInlineSnapshot(`
      "checkpoint/overflow: these tensors have values beyond the range of float16, which would become infinite; write them as bfloat16 or float32:
        "base_model.model.layer.0.query.lora_A.weight": 5 of 6 values"
    `);
    expect(await readdir(parent)).toEqual([]);
    params['layer.0.query'].a.dispose();
    disposeAdapter(trained);
  }));

it('writes both files or none', () =>
  withTemporaryFolder(async (parent) => {
    const trained = await train(lora({ rank: 1 }));
    const counted = failingFileSystem({ at: -1, code: '', forGood: false, half: false });
    await saveAdapter(trained, join(parent, 'counted'), { fileSystem: counted.fileSystem });
    for (let at = 0; at < counted.operations.length - 2; at++) {
      const folder = join(parent, String(at));
      const { fileSystem } = failingFileSystem({ at, code: 'ENOSPC', forGood: true, half: true });
      const saved = await saveAdapter(trained, folder, { fileSystem }).then(
        () => true,
        () => false,
      );
      const loaded = await loadAdapter(folder, await fixtureModel(), { formats }).catch(() => undefined);
      if (saved) expect(loaded).toBeDefined();
      if (loaded) disposeAdapter(loaded);
      else
        expect(await refusal(loadAdapter(folder, await fixtureModel(), { formats }))).toContain(
          'there is no adapter_config.json',
        );
    }
    disposeAdapter(trained);
  }));

it('refuses a chain that is not additive, and offers the merged model', async () => {
  const trained = await train(cola(lora({ rank: 1, dora: true }), { links: 3 }));
  expect(await refusal(saveAdapter(trained, 'nowhere'))).toMatchInlineSnapshot(
    `"checkpoint/not-additive: strategy "cola(dora; 3 links)" changes weights by more than products of two factors, so no LoRA equals it; write the merged model instead: saveModel with the weights of mergeAdapter."`,
  );
  disposeAdapter(trained);
  const single = await train(lora({ rank: 1, dora: true }));
  expect(await refusal(saveAdapter(single, 'nowhere', { as: 'lora' }))).toMatchInlineSnapshot(
    `"checkpoint/not-additive: strategy "dora" changes weights by more than products of two factors, so no LoRA equals it; write the merged model instead: saveModel with the weights of mergeAdapter."`,
  );
  disposeAdapter(single);
});

it('keeps no tensor alive and merges what it saved', async () => {
  const trained = await train(cola(lora({ rank: 1 }), { links: 2 }));
  const before = tf.memory().numTensors;
  await withTemporaryFolder(async (parent) => {
    await saveAdapter(trained, join(parent, 'a'));
    expect(tf.memory().numTensors).toBe(before);
    const model = await fixtureModel();
    const loaded = await loadAdapter(join(parent, 'a'), model, { formats });
    const [mine, theirs] = [await mergeAdapter(model, loaded), await mergeAdapter(model, trained)];
    for (const path of model.weights.paths) {
      const distance = relativeDistance(mine.get(path).data as Float32Array, theirs.get(path).data as Float32Array);
      expect(distance, path).toBeLessThan(1e-6);
    }
    mine.dispose();
    theirs.dispose();
    disposeAdapter(loaded);
    model.weights.dispose();
  });
  expect(tf.memory().numTensors).toBe(before);
  disposeAdapter(trained);
});

it('refuses what Python PEFT could not load or has no name for', async () => {
  const trained = await train(lora({ rank: 1 }), { modulesToSave: ['embed'] });
  const { strategy } = trained;
  const encode = async () => ({ peftType: 'LOHA', config: {}, tensors: {} });
  const strange = { ...strategy, fileFormat: { ...loraFileFormat, encode } };
  expect(await refusal(saveAdapter({ ...trained, strategy: strange }, 'nowhere'))).toMatchInlineSnapshot(
    `"checkpoint/peft-type: the names of Python PEFT's "LOHA" files are not known here; those of LORA, ADALORA are."`,
  );
  const part = hostArray([1]);
  const own = async () => ({ peftType: 'LORA', config: {}, tensors: { head: { gate: part }, away: { a: part } } });
  const gated = { ...strategy, fileFormat: { ...loraFileFormat, encode: own } };
  expect(await refusal(saveAdapter({ ...trained, strategy: gated }, 'nowhere'))).toMatchInlineSnapshot(`
    "checkpoint/adapter-tensors: Python PEFT's LORA has no name for these tensors; pass as: "lora", or write the merged model with mergeAdapter and saveModel:
      "gate" of "head", a layer of kind "dense"
      "a" of "away", a layer of kind """
  `);
  const odd = async () => ({
    peftType: 'LORA',
    config: { warmth: 3 },
    tensors: { head: { a: hostArray([1], [1, 1]) } },
  });
  const warm = { ...strategy, fileFormat: { ...loraFileFormat, encode: odd } };
  expect(await refusal(saveAdapter({ ...trained, strategy: warm }, 'nowhere'))).toMatchInlineSnapshot(
    `"checkpoint/config-key: Python PEFT's LORA has no setting for "warmth", which the file format wrote; put it elsewhere."`,
  );
  expect(await refusal(saveAdapter({ ...trained, modules: [] }, 'nowhere'))).toMatchInlineSnapshot(`
    "checkpoint/adapter-tensors: how torch lays out these trained weights is not known, since they are no targets of the model; write the merged model with mergeAdapter and saveModel:
      "embed.weight""
  `);
  const none = { ...strategy, fileFormat: undefined, factors: () => undefined };
  expect(await refusal(saveAdapter({ ...trained, strategy: none }, 'nowhere'))).toMatchInlineSnapshot(
    `"checkpoint/adapter-targets: the adapter changes no layer (3 targets, all of rank 0), and Python PEFT loads none without; write the merged model with mergeAdapter and saveModel."`,
  );
  disposeAdapter(trained);
});
