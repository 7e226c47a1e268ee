import { mkdtempSync, rmSync } from 'node:fs';
import { readFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { adaloraFileFormat } from '@peft/adalora';
import { loadAdapter, saveAdapter } from '@peft/checkpoint';
import {
  adamw,
  adaptedAt,
  batches,
  causalLanguageModeling,
  classification,
  disposeAdapter,
  type FineTuneOptions,
  fineTune,
  type Loss,
  maskedLanguageModeling,
  mergeAdapter,
  sgd,
  type TrainedAdapter,
  toFloat32,
} from '@peft/core';
import { loraFileFormat } from '@peft/lora';
import * as tf from '@tensorflow/tfjs';
import { beforeAll, expect, test } from 'vitest';
import { expectValues } from '../test/expectValues.ts';
import { expectWrittenAgain } from '../test/expectWrittenAgain.ts';
import { familyOf } from '../test/familyOf.ts';
import { fixture, golden, readTensors } from '../test/golden.ts';
import { onEachBackend } from '../test/onEachBackend.ts';
import { adaptedLogits, type Columns, shownLogits } from '../test/shownLogits.ts';
import { loadPretrained, type PretrainedModel } from './loadPretrained.ts';
import { saveModel } from './saveModel.ts';

type Case = readonly [name: string, base: string, tables: Readonly<Record<string, readonly number[]>>];

const [words, tokens] = ['bert.embeddings.word_embeddings', 'model.decoder.embed_tokens'];
const cases: readonly Case[] = [
  ['gpt2-list', 'gpt2', { 'transformer.wte': [17, 5, 30] }],
  ['gpt2-named', 'gpt2', { 'transformer.wte': [20, 3], 'transformer.wpe': [1] }],
  ['gpt2-tie-named', 'gpt2', { 'transformer.wte': [5, 17] }],
  ['gpt2-head', 'gpt2', { 'transformer.wte': [5, 17, 9] }],
  ['gpt2-untied', 'gpt2-uneven', { 'transformer.wte': [5, 17, 30] }],
  ['gpt2-embeddings', 'gpt2', { 'transformer.wte': [5, 17] }],
  ['gpt2-adalora', 'gpt2', { 'transformer.wte': [5, 17] }],
  ['opt-list', 'opt', { [tokens]: [9, 5] }],
  ['opt-narrow', 'opt-uneven', { [tokens]: [9, 5] }],
  ['bert-classes', 'bert', { [words]: [5, 7, 1], 'bert.embeddings.token_type_embeddings': [1] }],
  ['bert-words', 'bert-words', { [words]: [5, 7, 1] }],
  ['bert-words-head', 'bert-words', { [words]: [5, 7] }],
  ['bert-words-biases', 'bert-words', { [words]: [5, 7] }],
];
const losses: Readonly<Record<string, Loss>> = { bert: classification(), 'bert-words': maskedLanguageModeling() };
/** AdaLoRA's own steps are compared elsewhere. */
const trainedCases = cases
  .filter(([name]) => !name.includes('adalora'))
  .map(([name, base, tables]) => ({ name, base, tables, loss: losses[base] ?? causalLanguageModeling() }));

const folderOf = (name: string) => fixture(`token-rows/${name}`);
const load = (folder: string, model: PretrainedModel) =>
  loadAdapter(folder, model, {
    formats: [loraFileFormat, adaloraFileFormat],
    onWarning: (warning) => expect.unreachable(warning),
  });

async function expected(key: string): Promise<Float32Array> {
  const { tensors } = await readTensors(fixture('token-rows/golden.safetensors'));
  return tensors.get(key)?.data as Float32Array;
}

async function columnsOf(base: string): Promise<Columns> {
  const { get, keys } = await golden(base);
  const names = ['inputIds', 'attentionMask', 'tokenTypeIds', 'labels'];
  const start = keys.includes('right/inputIds') ? 'right/' : '';
  return Object.fromEntries(names.flatMap((name) => (keys.includes(start + name) ? [[name, get(start + name)]] : [])));
}

async function shownColumns(base: string): Promise<Columns> {
  const { labels: _, ...columns } = await columnsOf(base);
  return columns;
}

/** Trains on from a folder of Python's, and gives the losses and the rows before and after. */
async function trainOn(
  { name, base, tables, loss }: (typeof trainedCases)[number],
  options: Pick<FineTuneOptions, 'steps' | 'optimizer' | 'schedule'>,
) {
  const model = await loadPretrained(fixture(base));
  const from = await load(folderOf(name), model);
  const columns = await columnsOf(base);
  const losses: number[] = [];
  const { adapter, dispose } = await fineTune(model, {
    ...options,
    loss,
    from,
    strategy: from.strategy,
    targets: from.targets.map(({ path }) => path),
    modulesToSave: from.modulesToSave,
    bias: from.bias,
    trainableTokens: tables,
    data: batches(columns, { batchSize: columns.inputIds?.shape[0] as number, shuffle: false }),
    progress: false,
    onWarning: () => {},
    onEvent: (event) => event.type === 'step' && losses.push(event.loss),
  }).result;
  const rowsIn = ({ tokenRows }: TrainedAdapter) =>
    Object.entries(tokenRows).map(([table, { rows }]) => [table, rows.dataSync()] as const);
  const rows = { before: new Map(rowsIn(from)), after: rowsIn(adapter) };
  dispose();
  disposeAdapter(from);
  model.weights.dispose();
  return { losses, rows };
}

beforeAll(async () => {
  await tf.setBackend('cpu');
});

onEachBackend(() => {
  test.each(cases)('the %s folder of PEFT gives the logits it gives there', async (name, base, tables) => {
    const model = await loadPretrained(fixture(base));
    const adapter = await load(folderOf(name), model);
    expect(Object.fromEntries(Object.entries(adapter.tokenRows).map(([table, { ids }]) => [table, ids]))).toEqual(
      tables,
    );
    const subject = `${familyOf(name)}: outputs with trained token rows of PEFT`;
    expectValues(
      subject,
      await adaptedLogits(await shownColumns(base), model, adapter),
      await expected(`${name}/logits`),
    );
    disposeAdapter(adapter);
    model.weights.dispose();
  });

  test.each(trainedCases)('$name: a step moves every row by the gradient of PEFT', async (each) => {
    // Far enough that the rows' own rounding is small beside the step.
    const rate = 64;
    const { losses, rows } = await trainOn(each, { steps: 1, optimizer: sgd(), schedule: rate });
    const family = familyOf(each.name);
    expectValues(
      `${family}: losses with trained token rows`,
      losses,
      (await expected(`${each.name}/losses`)).slice(0, 1),
    );
    for (const [table, after] of rows.after) {
      const moved = after.map((value, index) => ((rows.before.get(table)?.[index] ?? 0) - value) / rate);
      expectValues(`${family}: gradients of token rows`, moved, await expected(`${each.name}/gradient/${table}`));
    }
  });

  test.each(trainedCases)('$name: AdamW takes the rows where torch takes them, loss by loss', async (each) => {
    const optimizer = adamw({ weightDecay: 0.01 });
    const { losses, rows } = await trainOn(each, { steps: 5, optimizer, schedule: 0.02 });
    const family = familyOf(each.name);
    expectValues(`${family}: losses with trained token rows`, losses, await expected(`${each.name}/losses`));
    for (const [table, after] of rows.after) {
      expectValues(
        `${family}: token rows after five AdamW steps`,
        after,
        await expected(`${each.name}/trained/${table}`),
      );
    }
  });
});

test.each(cases)('%s is written again with its tensors and settings', async (name, base) => {
  const model = await loadPretrained(fixture(base));
  const adapter = await load(folderOf(name), model);
  const folder = mkdtempSync(join(tmpdir(), 'token-rows-'));
  try {
    await saveAdapter(adapter, folder);
    const [mine, theirs] = await Promise.all(
      [folder, folderOf(name)].map((each) => readTensors(join(each, 'adapter_model.safetensors'))),
    );
    // PEFT also stores the base's own tables and heads where it was told to, a tied head's rows once more, and with
    // bias="all" the biases of modules trained whole.
    const copies = /\.(?:base_layer\.weight|(?:modules_to_save|original_module)\.bias)$|lm_head\.token_adapter/;
    const own = [...(theirs?.tensors ?? [])].filter(([key]) => !copies.test(key));
    expectWrittenAgain(mine?.tensors, own);
    const [written, read] = await Promise.all([folder, folderOf(name)].map(configIn));
    expect(written).toEqual(read);
  } finally {
    rmSync(folder, { recursive: true });
  }
  disposeAdapter(adapter);
});

test.each(cases)(
  '%s merged gives the same logits, changes its rows alone, and stays tied',
  async (name, base, tables) => {
    const model = await loadPretrained(fixture(base));
    const adapter = await load(folderOf(name), model);
    const merged = await mergeAdapter(model, adapter);
    const at = adaptedAt({ weights: merged, modules: model.targets });
    const logits = await shownLogits(await shownColumns(base), (batch) => model.apply(batch, at));
    expectValues(
      `${familyOf(name)}: outputs with trained token rows of PEFT, merged`,
      logits,
      await expected(`${name}/logits`),
    );
    for (const [table, ids] of Object.entries(tables)) {
      const [before, after] = [model.weights, merged].map((weights) => toFloat32(weights.get(`${table}.weight`)));
      const width = adapter.tokenRows[table]?.rows.shape[1] as number;
      const changed = Array.from(before ?? [], (value, index) => !Object.is(value, after?.[index]) && index)
        .filter((index) => index !== false)
        .map((index) => Math.floor(index / width));
      expect([...new Set(changed)]).toEqual([...ids].sort((left, right) => left - right));
    }
    const adaptsHead = adapter.targets.some(({ path }) => path in (model.ties ?? {}));
    const folder = mkdtempSync(join(tmpdir(), 'token-rows-'));
    try {
      const saving = saveModel(folder, model, merged);
      if (adaptsHead && base.startsWith('bert')) await expect(saving).rejects.toMatchObject({ code: 'model/tied' });
      else {
        await saving;
        const loaded = await loadPretrained(folder);
        if (model.ties) expect(loaded.config.tie_word_embeddings).toBe(!adaptsHead);
        loaded.weights.dispose();
      }
    } finally {
      rmSync(folder, { recursive: true });
    }
    merged.dispose();
    disposeAdapter(adapter);
  },
);

async function configIn(folder: string): Promise<Record<string, unknown>> {
  return JSON.parse(await readFile(join(folder, 'adapter_config.json'), 'utf8'));
}
