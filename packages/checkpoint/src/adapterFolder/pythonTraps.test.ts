// What Python PEFT 0.21.2 does silently or fails on late with adapter folders; the figures were measured with it.
import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { type AdaLoraState, adalora, adaloraFileFormat, rankPattern } from '@peft/adalora';
import {
  type AnyModel,
  disposeAdapter,
  type FineTuneOptions,
  mergeAdapter,
  type Target,
  type TrainedAdapter,
  Weights,
} from '@peft/core';
import { lora, loraFileFormat } from '@peft/lora';
import * as tf from '@tensorflow/tfjs';
import { beforeAll, describe, expect, test } from 'vitest';
import { adaloraTriplets, adapterFiles, counting, loraPair, refusal } from '../testing/adapterFiles.ts';
import { fixtureModel } from '../testing/fixtureModel.ts';
import { withTemporaryFolder } from '../testing/temporaryFolder.ts';
import { trainFixture } from '../testing/trainFixture.ts';
import { listAdapters } from './listAdapters.ts';
import { type LoadAdapterOptions, loadAdapter } from './loadAdapter.ts';
import { saveAdapter } from './saveAdapter.ts';

const formats = [loraFileFormat, adaloraFileFormat];
const config = { peft_type: 'LORA', r: 2, target_modules: ['query'] };
const ada = { peft_type: 'ADALORA', init_r: 2, total_step: 9, target_modules: ['head'] };
const queries = { ...loraPair('layer.0.query', [6, 6]), ...loraPair('layer.1.query', [6, 6]) };
const triplets = adaloraTriplets('head', [6, 3]);

beforeAll(async () => {
  await tf.setBackend('cpu');
});

type Files = ReturnType<typeof adapterFiles>;

async function load(files: Files, model?: AnyModel, more: Partial<LoadAdapterOptions> = {}): Promise<TrainedAdapter> {
  const onWarning = (warning: string) => expect.unreachable(warning);
  return loadAdapter(files, model ?? (await fixtureModel()), { formats, onWarning, ...more });
}

const train = (strategy: FineTuneOptions['strategy'], model?: AnyModel): Promise<TrainedAdapter> =>
  trainFixture({ ...(strategy && { strategy }), steps: 3 }, model);

/** A model of dense layers, of which nothing is computed but changes of weights. */
function layers(targets: readonly Target[]): AnyModel {
  return {
    targets,
    weights: new Weights(targets.map(({ path, shape }) => [`${path}.weight`, counting(...shape)])),
    apply: () => expect.unreachable('the model does not run'),
  };
}

const dense = (path: string, more: Partial<Target> = {}): Target => ({ path, kind: 'dense', shape: [4, 4], ...more });

function deltaOf({ strategy, adapter, targets }: TrainedAdapter, path: string): readonly number[] {
  const target = targets.find((each) => each.path === path) as Target;
  return tf.tidy(() => [...strategy.merge(adapter, target, tf.zeros([...target.shape])).dataSync()]);
}

async function configIn(folder: string): Promise<Record<string, unknown>> {
  return JSON.parse(await readFile(join(folder, 'adapter_config.json'), 'utf8'));
}

describe('Python PEFT: fan_in_fan_out is saved as the layer visited last needs it, false for a Conv1D beside a Linear (1.2)', () => {
  test('here: every layer knows its own layout, and the value in the file changes nothing', async () => {
    const model = layers([dense('a', { fanInFanOut: true }), dense('b')]);
    const files = (value: boolean) =>
      adapterFiles(
        { ...config, target_modules: ['a', 'b'], fan_in_fan_out: value },
        { ...loraPair('a', [4, 4]), ...loraPair('b', [4, 4]) },
      );
    const [yes, no] = [await load(files(true), model), await load(files(false), model)];
    for (const path of ['a', 'b']) expect(deltaOf(yes, path)).toEqual(deltaOf(no, path));
    expect(deltaOf(yes, 'a')).toEqual(deltaOf(yes, 'b'));
    await withTemporaryFolder(async (parent) => {
      await saveAdapter(yes, join(parent, 'yes'));
      expect(await configIn(join(parent, 'yes'))).toMatchObject({ fan_in_fan_out: true });
    });
    disposeAdapter(yes);
    disposeAdapter(no);
  });
});

describe('Python PEFT: of two rank patterns for one layer the first counts, until the file sorts them; {"lin0": 4, "0.lin0": 8} saves rank 4 and does not load (1.5)', () => {
  test('here: two numbers for one layer are refused, in a run and in a file', async () => {
    const rankPattern = { query: 4, '0.query': 8 };
    const message =
      'target "layer.0.query" is matched by keys with different values, "0.query" (8), "query" (4); files keep keys sorted, so which comes first would change on reload';
    await expect(train(lora({ rankPattern }))).rejects.toThrow(message);
    expect(await refusal(load(adapterFiles({ ...config, rank_pattern: rankPattern }, queries)))).toContain(message);
  });
});

describe('Python PEFT: a finished AdaLoRA adapter does not load without total_step (1.3)', () => {
  test('here: it does, and is written with one, as Python needs', async () => {
    const { total_step: _, ...without } = ada;
    const trained = await load(adapterFiles({ ...without, tinit: 2, tfinal: 3 }, triplets));
    const whole = await load(adapterFiles(ada, triplets));
    expect(deltaOf(trained, 'head')).toEqual(deltaOf(whole, 'head'));
    await withTemporaryFolder(async (parent) => {
      await saveAdapter(trained, join(parent, 'a'));
      expect(await configIn(join(parent, 'a'))).toMatchObject({ total_step: 6, tinit: 2, tfinal: 3 });
    });
    disposeAdapter(trained);
    disposeAdapter(whole);
  });
});

describe('Python PEFT: deltaT 0 is accepted, and the first step that may prune divides by zero (1.3)', () => {
  test('here: it is refused, as an option and in a file', async () => {
    expect(() => adalora({ allocateEvery: 0 })).toThrow('allocateEvery is 0; it must be a whole number at least 1.');
    expect(await refusal(load(adapterFiles({ ...ada, deltaT: 0 }, triplets)))).toContain(
      'deltaT is 0, and a whole number of at least 1 is expected',
    );
  });
});

describe('Python PEFT: a file with target_r at or above init_r loads and crashes in kthvalue at the first mask (D4)', () => {
  test('here: it loads, nothing would be pruned, and the file is written as it was', async () => {
    for (const target_r of [2, 9]) {
      const trained = await load(adapterFiles({ ...ada, target_r }, triplets));
      expect(trained.strategy).toMatchObject({ options: { initRank: 2, targetRank: 2 } });
      await withTemporaryFolder(async (parent) => {
        await saveAdapter(trained, join(parent, 'a'));
        expect((await configIn(join(parent, 'a'))).target_r).toBe(target_r);
      });
      disposeAdapter(trained);
    }
  });
});

describe("Python PEFT: AdaLoRA takes any init_lora_weights for true, also 'pissa' and misspelt ones (1.3)", () => {
  test('here: adalora has no such option, and the setting of a file stays in it', async () => {
    expect(() => adalora({ init: 'pissa' } as never)).toThrow('"init" is no option');
    const trained = await load(adapterFiles({ ...ada, init_lora_weights: 'pissa' }, triplets));
    await withTemporaryFolder(async (parent) => {
      await saveAdapter(trained, join(parent, 'a'));
      expect((await configIn(join(parent, 'a'))).init_lora_weights).toBe('pissa');
    });
    disposeAdapter(trained);
    expect(await refusal(load(adapterFiles({ ...ada, init_lora_weights: 'magic' }, triplets)))).toContain(
      'init_lora_weights is "magic"',
    );
  });
});

describe('Python PEFT: modules_to_save "score" also trains and saves my_score, since only the end of a name is compared (1.4)', () => {
  const model = layers([dense('query'), dense('my_score'), dense('score')]);
  const saved = { ...config, modules_to_save: ['score'] };
  const weights = {
    'base_model.model.score.weight': counting(4, 4),
    'base_model.model.my_score.weight': counting(4, 4),
  };

  test('here: such a file is read as it was meant and written as it was', async () => {
    const trained = await load(adapterFiles(saved, { ...loraPair('query', [4, 4]), ...weights }), model);
    expect(trained.modulesToSave).toEqual(['score', 'my_score']);
    expect(Object.keys(trained.trained)).toEqual(['my_score.weight', 'score.weight']);
    await withTemporaryFolder(async (parent) => {
      await saveAdapter(trained, join(parent, 'a'));
      expect((await configIn(join(parent, 'a'))).modules_to_save).toEqual(['score']);
    });
    disposeAdapter(trained);
  });

  test('here: a run that trained score alone is not written for Python to look for the other', async () => {
    const { 'base_model.model.my_score.weight': _, ...alone } = weights;
    const trained = await load(adapterFiles(saved, { ...loraPair('query', [4, 4]), ...alone }), model);
    expect(await refusal(saveAdapter(trained, 'nowhere'))).toMatchInlineSnapshot(`
      "checkpoint/modules-to-save: Python PEFT would look for weights in this folder that were not trained: it takes every module whose name ends in one of modules_to_save, and the head of the task. Train them with modulesToSave, give the modules names of their own, or leave out taskType:
        "my_score.weight", for "score""
    `);
    disposeAdapter(trained);
    // A longer name is not enough for another module.
    const deeper = layers([dense('query'), dense('head.my_score'), dense('head.score')]);
    const head = { 'base_model.model.head.score.weight': counting(4, 4) };
    const other = await load(adapterFiles(saved, { ...loraPair('query', [4, 4]), ...head }), deeper);
    await withTemporaryFolder(async (parent) => {
      await saveAdapter(other, join(parent, 'a'));
      expect((await configIn(join(parent, 'a'))).modules_to_save).toEqual(['head.score']);
    });
    disposeAdapter(other);
  });
});

describe('Python PEFT: of a module trained whole within another, such as LayerNorm within cls, the folder does not load: KeyError (1.4)', () => {
  test('here: the modules outside are named in full, also where a file named them otherwise', () =>
    withTemporaryFolder(async (folder) => {
      const model = await fixtureModel();
      const nested = ['query', 'layer.1'];
      const trained = await trainFixture({ strategy: lora({ rank: 1 }), targets: ['head'], modulesToSave: nested });
      const savedAs = async (name: string, adapter: TrainedAdapter): Promise<unknown> => {
        await saveAdapter(adapter, join(folder, name));
        return JSON.parse(await readFile(join(folder, name, 'adapter_config.json'), 'utf8')).modules_to_save;
      };
      expect(await savedAs('first', trained)).toEqual(['layer.0.query', 'layer.1']);
      const loaded = await loadAdapter(join(folder, 'first'), model, { formats });
      expect(Object.keys(loaded.trained).sort()).toEqual(Object.keys(trained.trained).sort());
      const fileConfig = { ...loaded.fileConfig, modules_to_save: nested };
      expect(await savedAs('again', { ...loaded, fileConfig })).toEqual(['layer.0.query', 'layer.1']);
      for (const adapter of [trained, loaded]) disposeAdapter(adapter);
    }));
});

describe('Python PEFT: a text in modules_to_save is taken letter by letter: "head" asks for every module that ends in h, e, a or d (1.2)', () => {
  test('here: a text is refused', async () => {
    expect(await refusal(load(adapterFiles({ ...config, modules_to_save: 'head' }, queries)))).toContain(
      'modules_to_save is "head", and a list of names or null is expected',
    );
  });
});

describe('Python PEFT: the heads of a task are added to modules_to_save again whenever a folder is loaded and saved (4.10)', () => {
  const model = layers([dense('query'), dense('classifier')]);
  const tensors = { ...loraPair('query', [4, 4]), 'base_model.model.classifier.weight': counting(4, 4) };
  const settings = { ...config, task_type: 'SEQ_CLS', modules_to_save: null };

  test('here: the list stays as it was', async () => {
    const modules_to_save = ['classifier', 'score'];
    const trained = await load(adapterFiles({ ...settings, modules_to_save }, tensors), model);
    await withTemporaryFolder(async (parent) => {
      await saveAdapter(trained, join(parent, 'a'));
      expect((await configIn(join(parent, 'a'))).modules_to_save).toEqual(modules_to_save);
    });
    disposeAdapter(trained);
  });

  test('here: a head that only the task asks for is read, and a file without it is refused by its name', async () => {
    const trained = await load(adapterFiles(settings, tensors), model);
    expect(trained.modulesToSave).toEqual(['classifier']);
    await withTemporaryFolder(async (parent) => {
      await saveAdapter(trained, join(parent, 'a'));
      expect(await configIn(join(parent, 'a'))).toMatchObject({ modules_to_save: null, task_type: 'SEQ_CLS' });
    });
    disposeAdapter(trained);
    expect(await refusal(load(adapterFiles(settings, loraPair('query', [4, 4])), model))).toMatchInlineSnapshot(`
      "checkpoint/adapter-tensors: adapter_model.safetensors: the adapter does not fit its configuration and this model (3 tensors are expected, the file has 2); load the base it was trained on, or save it again:
        "base_model.model.classifier.weight" is missing, and [4, 4] is expected, since Python trains the head of a task of this task_type, and of null none"
    `);
  });

  test('here: a folder for the task without its head, which Python ends in a KeyError, is not written', async () => {
    const trained = await load(adapterFiles(config, loraPair('query', [4, 4])), model);
    expect(await refusal(saveAdapter(trained, 'nowhere', { taskType: 'SEQ_CLS' }))).toMatchInlineSnapshot(`
      "checkpoint/modules-to-save: Python PEFT would look for weights in this folder that were not trained: it takes every module whose name ends in one of modules_to_save, and the head of the task. Train them with modulesToSave, give the modules names of their own, or leave out taskType:
        "classifier.weight", for task_type SEQ_CLS"
    `);
    disposeAdapter(trained);
  });
});

describe('Python PEFT: an adapter trained on merged weights names the original base and gives wrong outputs there, off by 1.36 (5)', () => {
  test('here: the folder says which weights it was trained on, and another base is refused', async () => {
    const first = await train(lora({ rank: 2 }));
    const base = await fixtureModel();
    const merged: AnyModel = { ...base, weights: await mergeAdapter(base, first) };
    const second = await train(lora({ rank: 1 }), merged);
    await withTemporaryFolder(async (parent) => {
      const folder = join(parent, 'second');
      await saveAdapter(second, folder);
      expect((await configIn(folder)).base_model_name_or_path).toBe(null);
      disposeAdapter(await loadAdapter(folder, merged, { formats }));
      expect(await refusal(loadAdapter(folder, base, { formats }))).toMatch(
        /^checkpoint\/base: .*the adapter was saved on a base with fingerprint/,
      );
    });
    disposeAdapter(first);
    disposeAdapter(second);
    merged.weights.dispose();
  });
});

describe('Python PEFT: the name of an adapter is searched for in the names of tensors: AdaLoRA called "l0", "lora" or "a" cannot be saved (D10)', () => {
  test.each(['head', 'l0', 'lora', 'a', 'lora_A', 'weight', 'layer'])(
    'here: "%s" is the name of a folder alone',
    (name) =>
      withTemporaryFolder(async (folder) => {
        const pruned = { ...ada, rank_pattern: { 'head.lora_E': [false, true] } };
        const trained = await load(adapterFiles(pruned, adaloraTriplets('head', [6, 3], 1)));
        await saveAdapter(trained, folder, { adapter: name });
        expect(await listAdapters(folder)).toEqual([name]);
        const again = await loadAdapter(folder, await fixtureModel(), { formats, adapter: name });
        expect(deltaOf(again, 'head')).toEqual(deltaOf(trained, 'head'));
        expect(await rankPattern(again.adapter.state as AdaLoraState)).toEqual({ head: [false, true] });
        disposeAdapter(trained);
        disposeAdapter(again);
      }),
  );
});

describe('Python PEFT: layers of rank 0 could not be loaded once (D16)', () => {
  test('here: a layer of rank 0 is read with its empty tensors and without, and written with them', async () => {
    const rank_pattern = { 'head.lora_E': [true, true], 'layer.0.query.lora_E': [false, false] };
    const settings = { ...ada, target_modules: ['head', '0.query'], rank_pattern };
    const written: unknown[] = [];
    for (const empty of [{}, adaloraTriplets('layer.0.query', [6, 6], 0)]) {
      const trained = await load(adapterFiles(settings, { ...triplets, ...empty }));
      expect(Object.keys(trained.adapter.params)).toEqual(['head']);
      await withTemporaryFolder(async (parent) => {
        await saveAdapter(trained, join(parent, 'a'));
        written.push([...(await readFile(join(parent, 'a/adapter_model.safetensors')))]);
        expect((await configIn(join(parent, 'a'))).rank_pattern).toEqual(rank_pattern);
      });
      disposeAdapter(trained);
    }
    expect(written[0]).toEqual(written[1]);
    expect(Buffer.from(written[0] as number[]).toString('latin1')).toContain('"base_model.model.layer.0.query.lora_E"');
  });
});

describe('Python PEFT: tensors that are missing or named otherwise leave fresh values in place, with a warning (2.1)', () => {
  test('here: each of them is in the one error that refuses the file', async () => {
    const { 'base_model.model.layer.0.query.lora_A.weight': down, ...rest } = queries;
    const moved = { ...rest, 'base_model.model.layers.0.query.lora_A.weight': down ?? counting(1) };
    expect(await refusal(load(adapterFiles(config, moved)))).toMatchInlineSnapshot(`
      "checkpoint/adapter-tensors: adapter_model.safetensors: the adapter does not fit its configuration and this model (4 tensors are expected, the file has 4); load the base it was trained on, or save it again:
        "base_model.model.layer.0.query.lora_A.weight" is missing, and [2, 6] is expected
        "base_model.model.layers.0.query.lora_A.weight" belongs to nothing; was "base_model.model.layer.0.query.lora_A.weight" meant?"
    `);
  });
});

describe('Python PEFT: an adapter on replicated layers merges without a word, although the copies share their weights: logits 0.23 apart (4.3)', () => {
  test('here: layer_replication is refused by name', async () => {
    expect(await refusal(load(adapterFiles({ ...config, layer_replication: [[0, 2]] }, queries)))).toContain(
      'layer_replication is a list of 1: the base has other layers than this model',
    );
  });
});

describe('Python PEFT: LoRA of a Conv2d ignores its dilation (RuntimeError) and its padding_mode (silently, outputs 2.6 off when merged) (4.12)', () => {
  test('here: convolutions are no targets, and one that is declared is refused by its kind', async () => {
    const conv = { path: 'conv', kind: 'conv2d', shape: [3, 3, 4, 4] };
    const pair = loraPair('conv', [4, 4]);
    const files = adapterFiles({ ...config, target_modules: ['conv'] }, pair);
    expect(await refusal(load(files, layers([conv])))).toContain('target "conv" is of kind "conv2d"');
  });
});

describe('Python PEFT: any text counts as true, use_dora: "false" too, and a lora_alpha of 1e999 is infinite (1.2)', () => {
  test('here: both are refused', async () => {
    const text = JSON.stringify({ ...config, use_dora: 'false', lora_alpha: 0 }).replace(
      '"lora_alpha":0',
      '"lora_alpha":1e999',
    );
    const files = { ...adapterFiles(config, queries), 'adapter_config.json': new TextEncoder().encode(text) };
    expect(await refusal(load(files))).toMatchInlineSnapshot(`
      "checkpoint/adapter-config: the given files: adapter_config.json cannot be used as it is; correct it, or save the adapter again:
        lora_alpha is Infinity, and a number above 0 is expected
        use_dora is "false", and true or false or null is expected"
    `);
  });
});

describe('Python PEFT: target_modules is a set, whose order in the file is another in every process (1.1)', () => {
  test('here: the list stays in its order, and one of our own is sorted', async () => {
    const target_modules = ['value', 'query', 'head'];
    const trained = await load(
      adapterFiles({ ...config, target_modules }, { ...queries, ...loraPair('head', [6, 3]) }),
    );
    await withTemporaryFolder(async (parent) => {
      await saveAdapter(trained, join(parent, 'a'));
      await saveAdapter({ ...trained, fileConfig: undefined }, join(parent, 'b'));
      expect((await configIn(join(parent, 'a'))).target_modules).toEqual(target_modules);
      expect((await configIn(join(parent, 'b'))).target_modules).toEqual(['head', 'layer.0.query', 'layer.1.query']);
    });
    disposeAdapter(trained);
  });
});
