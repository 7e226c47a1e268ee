import '@tensorflow/tfjs-backend-wasm';
import { mkdir, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { adalora } from '@peft/adalora';
import { saveAdapter } from '@peft/checkpoint';
import { cola } from '@peft/cola';
import {
  type AnyStrategy,
  adamw,
  attach,
  batches,
  causalLanguageModeling,
  classification,
  type FineTuneOptions,
  fineTune,
  type HostArray,
  hostArray,
  type Loss,
  maskedLanguageModeling,
  toTensor,
} from '@peft/core';
import { lora } from '@peft/lora';
import { loadPretrained } from '@peft/models';
import * as tf from '@tensorflow/tfjs';

/*
 * Trains adapters on the BERTs and decoders in fixtures, writes each as a folder under FOLDER/BASE, and expected.json with the
 * outputs of this library. fixtures/python/check_written_text.py loads the folders with transformers and PEFT and compares.
 */

type Options = Partial<FineTuneOptions>;

const budget = { initRank: 4, targetRank: 2, warmupSteps: 2, finalSteps: 6, alpha: 16 };
const attention = ['query', 'value'];
const classes = ['query', 'key', 'value', 'dense', 'classifier'];
const tables = ['word_embeddings', 'position_embeddings', 'token_type_embeddings'];

const bases: Readonly<Record<string, Readonly<Record<string, Options>>>> = {
  bert: {
    lora: using(lora({ rank: 3, alpha: 7 }), attention),
    'all linear': { ...using(lora({ rank: 2 }), []), targets: 'all-linear', modulesToSave: ['classifier'] },
    'every linear layer, biases': { ...using(lora({ rank: 2, rsLora: true }), classes), bias: 'all' },
    'biases of what is adapted': { ...using(lora({ rank: 2 }), attention), bias: 'adapted' },
    tables: using(lora({ rank: 2 }), [...tables, 'query']),
    dora: using(lora({ rank: 2, dora: true }), classes),
    'modules to save': { ...using(lora({ rank: 2 }), attention), modulesToSave: ['pooler', 'classifier', 'LayerNorm'] },
    'cola of 3': using(cola(lora({ rank: 1, alpha: 2 }), { links: 3 }), classes),
    adalora: { ...using(adalora(budget), attention), modulesToSave: ['classifier'] },
  },
  'bert-words': {
    lora: using(lora({ rank: 2 }), attention),
    'head and transform': using(lora({ rank: 2 }), ['query', 'transform.dense', 'decoder']),
    'head and its table': using(lora({ rank: 2 }), ['word_embeddings', 'decoder']),
    biases: { ...using(lora({ rank: 2 }), ['query', 'transform.dense']), bias: 'all' },
    'dora of the head': using(lora({ rank: 2, dora: true }), ['value', 'decoder']),
  },
  gpt2: {
    lora: using(lora({ rank: 3, alpha: 7 }), ['c_attn']),
    'all linear, biases': { ...using(lora({ rank: 2 }), []), targets: 'all-linear', bias: 'all' },
    'tables and head': using(lora({ rank: 2 }), ['wte', 'wpe', 'lm_head']),
    dora: using(lora({ rank: 2, dora: true }), ['c_attn', 'c_proj', 'c_fc', 'lm_head']),
    'modules to save': { ...using(lora({ rank: 2 }), ['c_attn']), modulesToSave: ['c_fc', 'ln_f'] },
    'cola of 3': using(cola(lora({ rank: 1, alpha: 2 }), { links: 3 }), ['c_attn', 'c_fc']),
    adalora: using(adalora(budget), ['c_attn', 'c_proj']),
  },
  'gpt2-classes': {
    'lora and a trained head': { ...using(lora({ rank: 2 }), ['c_attn']), modulesToSave: ['score'] },
  },
  opt: {
    lora: using(lora({ rank: 2 }), ['q_proj', 'v_proj']),
    'table and head': using(lora({ rank: 2 }), ['embed_tokens', 'lm_head', 'fc1']),
    adalora: using(adalora(budget), ['q_proj', 'fc2']),
  },
  'opt-uneven': {
    'projections and head': using(lora({ rank: 2, rsLora: true }), ['project_in', 'project_out', 'lm_head']),
  },
};

function using(strategy: AnyStrategy, targets: readonly string[]): Options {
  return { strategy, targets };
}

await tf.setBackend('wasm');
const [, , folder] = process.argv;
if (!folder) throw new Error('name the folder to write to');
const [rows, length] = [4, 8];
const positions = Array.from({ length: rows * length }, (_, index) => index);
const matrix = (value: (index: number) => number) => hostArray(Int32Array.from(positions, value), [rows, length]);
const columns = {
  inputIds: matrix((index) => (index * 7 + 3) % 29),
  attentionMask: matrix((index) => (index % length < length - Math.floor(index / length) ? 1 : 0)),
  tokenTypeIds: matrix((index) => (index % length > 3 ? 1 : 0)),
};
const classes3 = { loss: classification(), labels: hostArray(Int32Array.of(0, 1, 2, 0)) };
const next = { loss: causalLanguageModeling(), labels: columns.inputIds };
const tasks: Readonly<Record<string, { readonly loss: Loss; readonly labels: HostArray }>> = {
  'bert-words': {
    loss: maskedLanguageModeling(),
    labels: matrix((index) => (index % 3 === 0 ? (index * 5) % 29 : -100)),
  },
  gpt2: next,
  opt: next,
  'opt-uneven': next,
};
for (const [base, cases] of Object.entries(bases)) {
  const outputs: Record<string, readonly number[]> = {};
  const { loss, labels } = tasks[base] ?? classes3;
  const { tokenTypeIds, ...tokens } = columns;
  const read = base.startsWith('bert') ? { ...tokens, tokenTypeIds } : tokens;
  for (const [name, options] of Object.entries(cases)) {
    const model = await loadPretrained(new URL(`../src/__fixtures__/${base}/`, import.meta.url).pathname);
    const { adapter } = await fineTune(model, {
      loss,
      data: batches({ ...read, labels }, { batchSize: 2 }),
      steps: 20,
      optimizer: adamw(),
      schedule: 0.03,
      progress: false,
      onWarning: () => {},
      ...options,
    }).result;
    await saveAdapter(adapter, join(folder, base, name));
    const adapted = await attach(model, adapter);
    const batch = Object.fromEntries(Object.entries(read).map(([column, array]) => [column, toTensor(array)]));
    outputs[name] = [...adapted.apply(batch).dataSync()];
  }
  await mkdir(join(folder, base), { recursive: true });
  const listed = Object.fromEntries(
    Object.entries(read).map(([column, { data }]) => [column, Array.from(data, Number)]),
  );
  await writeFile(
    join(folder, base, 'expected.json'),
    JSON.stringify({ shape: [rows, length], columns: listed, outputs }),
  );
}
