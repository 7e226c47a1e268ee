import { adalora, adaloraFileFormat } from '@peft/adalora';
import { type AnyModel, disposeAdapter, type HostArray, hostArray, isPeftError, type TrainedAdapter } from '@peft/core';
import { loraFileFormat } from '@peft/lora';
import * as tf from '@tensorflow/tfjs';
import { beforeAll, expect, it } from 'vitest';
import { writeSafetensors } from '../safetensors/writeSafetensors.ts';
import { fixtureModel, fixturePath } from '../testing/fixtureModel.ts';
import { withTemporaryFolder } from '../testing/temporaryFolder.ts';
import { type LoadAdapterOptions, loadAdapter } from './loadAdapter.ts';

const formats = [loraFileFormat, adaloraFileFormat];
const head = 'base_model.model.head';
const query = 'base_model.model.layer.0.query';

beforeAll(async () => {
  await tf.setBackend('cpu');
});

function counting(...shape: readonly number[]): HostArray {
  const size = shape.reduce((total, length) => total * length, 1);
  return hostArray(
    Float32Array.from({ length: size }, (_, index) => index / 8 - 1),
    shape,
  );
}

const config = { peft_type: 'LORA', r: 2, lora_alpha: 4, target_modules: ['query', 'head'] };
const pair = (path: string, [fanIn, fanOut]: readonly [number, number], rank = 2) => ({
  [`${path}.lora_A.weight`]: counting(rank, fanIn),
  [`${path}.lora_B.weight`]: counting(fanOut, rank),
});
const tensors = {
  ...pair(head, [6, 3]),
  ...pair(query, [6, 6]),
  ...pair('base_model.model.layer.1.query', [6, 6]),
};

type Files = {
  readonly config?: Readonly<Record<string, unknown>>;
  readonly tensors?: Readonly<Record<string, HostArray>>;
  readonly metadata?: Readonly<Record<string, string>>;
};

/** The files of a folder as a browser has them. */
function filesOf({ config: settings = config, tensors: arrays = tensors, metadata }: Files = {}) {
  return {
    'adapter_config.json': new TextEncoder().encode(JSON.stringify(settings)),
    'adapter_model.safetensors': writeSafetensors(new Map(Object.entries(arrays)), metadata),
  };
}

async function load(files: Files = {}, options: Partial<LoadAdapterOptions> = {}): Promise<TrainedAdapter> {
  const onWarning = (warning: string) => expect.unreachable(warning);
  return loadAdapter(filesOf(files), await fixtureModel(), { formats, onWarning, ...options });
}

async function refusal(promise: Promise<unknown>): Promise<string> {
  const error = await promise.catch((reason: unknown) => reason);
  if (!isPeftError(error)) throw error;
  return `${error.code}: ${error.message}`;
}

it("reads a minimal file, whose defaults are Python's", async () => {
  const trained = await load({ config: { peft_type: 'LORA', r: 2, target_modules: ['query', 'head'] } });
  expect(trained).toMatchObject({ bias: 'none', modulesToSave: [], finished: [], trained: {} });
  expect(trained.strategy).toMatchObject({ options: { rank: 2, alpha: 8, dropout: 0, rsLora: false, dora: false } });
  const target = { path: 'head', kind: 'dense', shape: [6, 3] };
  const delta = tf.tidy(() => trained.strategy.merge(trained.adapter, target, tf.zeros([6, 3])));
  const b = tensors[`${head}.lora_B.weight`]?.data as Float32Array;
  const a = tensors[`${head}.lora_A.weight`]?.data as Float32Array;
  const expected = Array.from({ length: 18 }, (_, index) => {
    const [row, column] = [Math.floor(index / 3), index % 3];
    return (
      4 * ((a[row] as number) * (b[column * 2] as number) + (a[6 + row] as number) * (b[column * 2 + 1] as number))
    );
  });
  expect([...delta.dataSync()]).toEqual(expected);
  delta.dispose();
  disposeAdapter(trained);
});

it('takes the targets from the tensors where target_modules says something else, with a warning', async () => {
  const warnings: string[] = [];
  const onWarning = (warning: string) => warnings.push(warning);
  for (const target_modules of [['attention'], ['head']]) {
    const trained = await load({ config: { ...config, target_modules } }, { onWarning });
    expect(trained.targets.map(({ path }) => path)).toEqual(['head', 'layer.0.query', 'layer.1.query']);
    disposeAdapter(trained);
  }
  // Python accepts an expression that JavaScript cannot follow; the tensors are enough.
  const trained = await load({ config: { ...config, target_modules: '(?P<x>a)(?P=x)(?i)' } }, { onWarning });
  expect(trained.targets).toHaveLength(3);
  disposeAdapter(trained);
  expect(warnings).toMatchInlineSnapshot(`
    [
      "the given files: target_modules does not select "head", "layer.0.query", "layer.1.query", whose tensors are in the file; they are used here, and Python PEFT would leave them out.",
      "the given files: target_modules does not select "layer.0.query", "layer.1.query", whose tensors are in the file; they are used here, and Python PEFT would leave them out.",
    ]
  `);
});

it('names settings it does not know', async () => {
  const warnings: string[] = [];
  const trained = await load(
    { config: { ...config, use_magic: true, runtime_config: { ephemeral_gpu_offload: false } } },
    { onWarning: (warning) => warnings.push(warning) },
  );
  expect(warnings).toMatchInlineSnapshot(`
    [
      "the given files: adapter_config.json has settings that are not known here: "use_magic". A newer Python PEFT may have written it; they have no effect, and saveAdapter writes them again.",
    ]
  `);
  disposeAdapter(trained);
});

it('refuses every missing, misshapen, odd and left-over tensor in one error', async () => {
  const { [`${head}.lora_B.weight`]: _, ...rest } = tensors;
  const wrong = {
    ...rest,
    [`${head}.lora_A.weight`]: counting(2, 7),
    [`${query}.lora_A.weight`]: hostArray(new Int32Array(12), [2, 6]),
    [`${query}.lora_magnitude_vector`]: counting(6),
    'base_model.model.layer.9.query.lora_A.weight': counting(2, 6),
    stray: counting(1),
  };
  expect(await refusal(load({ tensors: wrong }))).toMatchInlineSnapshot(`
    "checkpoint/adapter-tensors: adapter_model.safetensors: the adapter does not fit its configuration and this model (6 tensors are expected, the file has 8); load the base it was trained on, or save it again:
      "base_model.model.head.lora_A.weight" is [2, 7], and [2, 6] is expected
      "base_model.model.head.lora_B.weight" is missing, and [3, 2] is expected
      "base_model.model.layer.0.query.lora_A.weight" is int32, and a float is expected
      "base_model.model.layer.0.query.lora_magnitude_vector" belongs to nothing
      "base_model.model.layer.9.query.lora_A.weight" belongs to nothing
      "stray" belongs to nothing"
  `);
});

it('refuses an adapter of another model', async () => {
  expect(
    await refusal(
      load({
        tensors: pair('base_model.model.model.layers.0.self_attn.q_proj', [6, 6]),
        config: { ...config, target_modules: ['q_proj'] },
      }),
    ),
  ).toMatchInlineSnapshot(
    `"checkpoint/adapter-targets: adapter_model.safetensors: none of the file's 2 tensors belongs to a target of this model; the file has "base_model.model.model.layers.0.self_attn.q_proj.lora_A.weight", "base_model.model.model.layers.0.self_attn.q_proj.lora_B.weight", the model's targets are "embed", "head", "layer.0.query", "layer.1.query". Load the base it was trained on."`,
  );
  const small: AnyModel = { ...(await fixtureModel()), targets: [] };
  expect(await refusal(loadAdapter(filesOf(), small, { formats }))).toMatchInlineSnapshot(
    `"checkpoint/adapter-targets: adapter_model.safetensors: none of the file's 6 tensors belongs to a target of this model; the file has "base_model.model.head.lora_A.weight", "base_model.model.head.lora_B.weight", the model's targets are none. Load the base it was trained on."`,
  );
});

it('refuses a layer that the configuration selects and the file lacks', async () => {
  expect(await refusal(load({ tensors: { ...pair(head, [6, 3]), ...pair(query, [6, 6]) } }))).toMatchInlineSnapshot(`
    "checkpoint/adapter-tensors: adapter_model.safetensors: the adapter does not fit its configuration and this model (6 tensors are expected, the file has 4); load the base it was trained on, or save it again:
      "base_model.model.layer.1.query.lora_A.weight" is missing, and [2, 6] is expected
      "base_model.model.layer.1.query.lora_B.weight" is missing, and [6, 2] is expected"
  `);
});

it('refuses methods that no given format reads', async () => {
  expect(await refusal(load({ config: { ...config, peft_type: 'LOHA' } }))).toMatchInlineSnapshot(
    `"checkpoint/peft-type: the given files: the adapter is of type "LOHA", and the formats given read LORA, ADALORA; pass the file format of its method in formats."`,
  );
  expect(await refusal(load({}, { formats: [] }))).toMatchInlineSnapshot(
    `"checkpoint/peft-type: the given files: the adapter is of type "LORA", and the formats given read none; pass the file format of its method in formats."`,
  );
  expect(await refusal(load({ config: { r: 2 } }))).toMatchInlineSnapshot(
    `"checkpoint/peft-type: the given files: the adapter does not say its peft_type, and the formats given read LORA, ADALORA; pass the file format of its method in formats."`,
  );
});

it('refuses settings that change what an adapter computes, by name', async () => {
  const odd = { ...config, lora_bias: true, init_lora_weights: 'pissa' };
  expect(await refusal(load({ config: odd }))).toMatchInlineSnapshot(`
    "checkpoint/adapter-config: the given files: adapter_config.json cannot be used as it is; correct it, or save the adapter again:
      init_lora_weights is "pissa": it changes the base weights, which this file does not hold; save the adapter again in Python with path_initial_model_for_weight_conversion, which makes it plain LoRA
      lora_bias is true: the up-projection has a bias; merge it in Python and use the merged model"
  `);
  expect(await refusal(load({ config: { ...config, r: 0 } }))).toMatchInlineSnapshot(
    `
    "checkpoint/adapter-config: the given files: adapter_config.json cannot be used as it is; correct it, or save the adapter again:
      r is 0, and a whole number of at least 1 is expected"
  `,
  );
  const ambiguous = { ...config, rank_pattern: { query: 2, '0.query': 3 } };
  expect(await refusal(load({ config: ambiguous }))).toMatchInlineSnapshot(
    `"target/ambiguous-pattern: the given files: target "layer.0.query" is matched by keys with different values, "0.query" (3), "query" (2); files keep keys sorted, so which comes first would change on reload; anchor a key with "^" or give it a longer path so that one matches."`,
  );
  const untyped = { ...config, bias: 'some', modules_to_save: 'head', target_modules: 3 };
  expect(await refusal(load({ config: untyped }))).toMatchInlineSnapshot(`
    "checkpoint/adapter-config: the given files: adapter_config.json cannot be used as it is; correct it, or save the adapter again:
      bias is "some", and one of "none", "all", "lora_only" is expected
      modules_to_save is "head", and a list of names or null is expected
      target_modules is 3, and a text or a list of names or null is expected"
  `);
});

it("reads AdaLoRA without its steps, and refuses one whose pattern is another model's", async () => {
  const ada = { peft_type: 'ADALORA', init_r: 2, target_modules: ['head'] };
  const parts = {
    [`${head}.lora_A`]: counting(2, 6),
    [`${head}.lora_E`]: counting(2, 1),
    [`${head}.lora_B`]: counting(3, 2),
  };
  disposeAdapter(await load({ config: ada, tensors: parts }));
  const other = { ...ada, total_step: 9, rank_pattern: { 'body.lora_E': [true, true] } };
  expect(await refusal(load({ config: other, tensors: parts }))).toMatchInlineSnapshot(`
    "adalora/config: the given files: adalora: the adapter's config cannot be used; save the adapter again in Python:
    - rankPattern names "body", which is not among the adapted targets."
  `);
});

it('reads a rank pattern that still names its adapter, and a rank 0 that was left out', async () => {
  const ada = {
    peft_type: 'ADALORA',
    init_r: 2,
    total_step: 9,
    target_modules: ['head', 'layer.0.query'],
    rank_pattern: { 'head.lora_E.default': [true, false], 'layer.0.query.lora_E.default': [false, false] },
  };
  const parts = {
    [`${head}.lora_A`]: counting(1, 6),
    [`${head}.lora_E`]: counting(1, 1),
    [`${head}.lora_B`]: counting(3, 1),
  };
  const trained = await load({ config: ada, tensors: parts });
  expect(trained.targets.map(({ path }) => path)).toEqual(['head', 'layer.0.query']);
  expect(Object.keys(trained.adapter.params)).toEqual(['head']);
  expect(trained.strategy.name).toBe(adalora().name);
  disposeAdapter(trained);
});

it('refuses a base with other values, where the file says which it was', async () => {
  const metadata = { format: 'pt', base_fingerprint: '00000000' };
  const message = await refusal(load({ metadata }));
  expect(message.replace(/this model's is \w+/, "this model's is X")).toMatchInlineSnapshot(
    `"checkpoint/base: adapter_model.safetensors: the adapter was saved on a base with fingerprint "00000000", and this model's is X; load the base it was trained on, without merges, or pass checkBase: false if only parts that the adapter replaces differ."`,
  );
  disposeAdapter(await load({ metadata }, { checkBase: false }));
});

it("takes a copy of the base's own weight for what it is, and refuses another base's", async () => {
  const { weights } = await fixtureModel();
  const embed = weights.get('embed.weight');
  disposeAdapter(await load({ tensors: { ...tensors, 'base_model.model.embed.weight': embed } }));
  const other = { ...embed, data: Float32Array.from(embed.data as Float32Array, (value) => value + 1) };
  expect(
    await refusal(load({ tensors: { ...tensors, 'base_model.model.embed.weight': other } })),
  ).toMatchInlineSnapshot(`
    "checkpoint/adapter-tensors: adapter_model.safetensors: the adapter does not fit its configuration and this model (6 tensors are expected, the file has 7); load the base it was trained on, or save it again:
      "base_model.model.embed.weight" is a weight of another base: this model's differs"
  `);
});

it('reads the trained head that is there, and asks for one that is not whole', async () => {
  const saved = { ...config, target_modules: ['query'], modules_to_save: ['head', 'score'] };
  const { [`${head}.lora_A.weight`]: _a, [`${head}.lora_B.weight`]: _b, ...queries } = tensors;
  const whole = { ...queries, [`${head}.weight`]: counting(3, 6), [`${head}.bias`]: counting(3) };
  const trained = await load({ config: saved, tensors: whole });
  expect(trained.modulesToSave).toEqual(['head']);
  expect(trained.trained['head.weight']?.shape).toEqual([6, 3]);
  expect(trained.trained['head.weight']?.arraySync()).toEqual(
    tf.tidy(() => tf.transpose(tf.tensor(counting(3, 6).data as Float32Array, [3, 6])).arraySync()),
  );
  disposeAdapter(trained);
  const part = { ...queries, [`${head}.weight`]: counting(5, 6) };
  expect(await refusal(load({ config: saved, tensors: part }))).toMatchInlineSnapshot(`
    "checkpoint/adapter-tensors: adapter_model.safetensors: the adapter does not fit its configuration and this model (6 tensors are expected, the file has 5); load the base it was trained on, or save it again:
      "base_model.model.head.bias" is missing, and [3] is expected
      "base_model.model.head.weight" is [5, 6], and [3, 6] is expected"
  `);
});

it('asks for a head that the configuration names and the file lacks', async () => {
  const { [`${head}.lora_A.weight`]: _a, [`${head}.lora_B.weight`]: _b, ...queries } = tensors;
  const saved = { ...config, target_modules: ['query'], modules_to_save: ['head', 'score'] };
  expect(await refusal(load({ config: saved, tensors: queries }))).toMatchInlineSnapshot(`
    "checkpoint/adapter-tensors: adapter_model.safetensors: the adapter does not fit its configuration and this model (6 tensors are expected, the file has 4); load the base it was trained on, or save it again:
      "base_model.model.head.bias" is missing, and [3] is expected
      "base_model.model.head.weight" is missing, and [3, 6] is expected"
  `);
});

it('leaves the output head out of "all-linear", as Python does', async () => {
  const { [`${head}.lora_A.weight`]: _a, [`${head}.lora_B.weight`]: _b, ...queries } = tensors;
  const trained = await load({ config: { ...config, target_modules: 'all-linear' }, tensors: queries });
  expect(trained.targets.map(({ path }) => path)).toEqual(['layer.0.query', 'layer.1.query']);
  disposeAdapter(trained);
});

it('refuses a pickle and folders with a part missing, saying what to do', () =>
  withTemporaryFolder(async (folder) => {
    const model = await fixtureModel();
    const { 'adapter_config.json': settings, 'adapter_model.safetensors': weights } = filesOf();
    const pickle = { 'adapter_config.json': settings, 'adapter_model.bin': weights };
    expect(await refusal(loadAdapter(pickle, model, { formats }))).toMatchInlineSnapshot(
      `"checkpoint/missing-file: the given files: the weights are in adapter_model.bin, a pickle file, which can run code when it is read and is refused; load the adapter in Python and save it with save_pretrained(folder, safe_serialization=True)."`,
    );
    expect(await refusal(loadAdapter({ 'adapter_config.json': settings }, model, { formats }))).toMatchInlineSnapshot(
      `"checkpoint/missing-file: the given files: there is no adapter_model.safetensors; fetch the weights too."`,
    );
    expect((await refusal(loadAdapter(folder, model, { formats }))).replace(folder, 'FOLDER')).toMatchInlineSnapshot(
      `"checkpoint/missing-file: FOLDER: there is no adapter_config.json; pass the folder that save_pretrained wrote."`,
    );
    const parent = fixturePath('named');
    expect(
      (await refusal(loadAdapter(parent, model, { formats, adapter: 'billing' }))).replace(parent, 'named'),
    ).toMatchInlineSnapshot(
      `
      "checkpoint/missing-file: named: there is no billing/adapter_config.json; pass one of the folder's adapters in the option "adapter":
        "tickets""
    `,
    );
    const cut = { 'adapter_config.json': settings, 'adapter_model.safetensors': weights.subarray(0, -4) };
    expect(await refusal(loadAdapter(cut, model, { formats }))).toMatchInlineSnapshot(`
      "checkpoint/truncated: adapter_model.safetensors: 1 of 6 tensors end beyond the 260 bytes after the header; the copy is incomplete, fetch the file again:
        "base_model.model.layer.1.query.lora_B.weight" ends at byte 264"
    `);
    const text = { 'adapter_config.json': new TextEncoder().encode('r: 8'), 'adapter_model.safetensors': weights };
    expect((await refusal(loadAdapter(text, model, { formats }))).replace(/\(.*\)/, '(...)')).toMatchInlineSnapshot(
      `"checkpoint/json: adapter_config.json is not JSON (...); the file is damaged or is another file, fetch or write it again."`,
    );
  }));

it('leaves no tensor behind when it refuses', async () => {
  const before = tf.memory().numTensors;
  await refusal(load({ config: { ...config, r: 3 } }));
  expect(tf.memory().numTensors).toBe(before);
});
