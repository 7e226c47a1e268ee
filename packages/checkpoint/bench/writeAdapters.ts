import { writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { adalora, adaloraFileFormat } from '@peft/adalora';
import { cola } from '@peft/cola';
import {
  type AnyStrategy,
  adamw,
  attach,
  batches,
  type FineTuneOptions,
  fineTune,
  hostArray,
  perTarget,
  regression,
} from '@peft/core';
import { lora, loraFileFormat } from '@peft/lora';
import * as tf from '@tensorflow/tfjs';
import { loadAdapter, type SaveAdapterOptions, saveAdapter } from '../src/index.ts';
import { fixtureModel } from '../src/testing/fixtureModel.ts';

/*
 * Trains adapters on the fixtures' model, writes each as a folder under the path given, and expected.json with the
 * outputs of this library. fixtures/python/check_written.py loads the folders with Python PEFT and compares.
 */

type Case = { readonly run: Partial<FineTuneOptions>; readonly save?: SaveAdapterOptions };

const formats = [loraFileFormat, adaloraFileFormat];
const queries = ['query', 'head'];
const budget = { initRank: 4, targetRank: 1, warmupSteps: 2, finalSteps: 6, alpha: 16 };
const routed = () =>
  perTarget([
    { targets: ['query'], strategy: adalora({ ...budget, targetRank: 2 }) },
    { targets: ['embed', 'head'], strategy: cola(lora({ rank: 2 }), { links: 2 }) },
  ]);
const cases: Readonly<Record<string, Case>> = {
  lora: { run: using(lora({ rank: 3, alpha: 7, dropout: 0.1 }), queries) },
  embedding: { run: using(lora({ rank: 2, rsLora: true }), ['embed', 'query']) },
  patterns: {
    run: using(lora({ rank: 2, rankPattern: { '^embed': 3, '0.query': 5 }, alphaPattern: { head: 2.5 } }), [
      'embed',
      ...queries,
    ]),
  },
  dora: { run: using(lora({ rank: 2, dora: true }), ['embed', ...queries]) },
  'modules-to-save': { run: { ...using(lora({ rank: 2 }), ['query']), modulesToSave: ['head', 'embed'] } },
  'bias-all': { run: { ...using(lora({ rank: 2 }), ['query']), bias: 'all' } },
  'bias-all-and-head': { run: { ...using(lora({ rank: 2 }), ['query']), bias: 'all', modulesToSave: ['head'] } },
  'bias-adapted': { run: { ...using(lora({ rank: 2 }), ['layer.1.query']), bias: 'adapted' } },
  'cola of 3': { run: using(cola(lora({ rank: 2, alpha: 3 }), { links: 3 }), ['embed', ...queries]) },
  'cola of unequal ranks': {
    run: using(
      cola((index) => lora({ rank: 3 - index }), { links: 3 }),
      queries,
    ),
  },
  'cola of adalora': { run: using(cola(adalora({ ...budget, warmupSteps: 0, finalSteps: 2 }), { links: 3 }), queries) },
  adalora: { run: using(adalora(budget), queries) },
  'adalora as lora': { run: using(adalora(budget), queries), save: { as: 'lora' } },
  'adalora, not compacted': { run: using(adalora({ ...budget, compact: false }), queries) },
  'adalora of the peft kind': { run: using(adalora({ ...budget, compat: 'peft' }), queries) },
  'adalora before its first pruning': {
    run: using(adalora({ ...budget, warmupSteps: 17, finalSteps: 2 }), queries, 12),
  },
  'adalora stopped mid-budget': { run: using(adalora({ ...budget, allocateEvery: 3 }), queries, 9) },
  'a route each': { run: using(routed(), ['embed', ...queries]) },
  'lora in float16': { run: using(lora({ rank: 3, dora: true }), queries), save: { dtype: 'float16' } },
  'adalora in bfloat16': { run: using(adalora(budget), queries), save: { dtype: 'bfloat16' } },
  named: { run: using(lora({ rank: 2 }), queries), save: { adapter: 'tickets' } },
};

function using(strategy: AnyStrategy, targets: readonly string[], stopAfter?: number): Partial<FineTuneOptions> {
  if (stopAfter === undefined) return { strategy, targets };
  const controller = new AbortController();
  const onEvent: FineTuneOptions['onEvent'] = ({ type, step }) => {
    if (type === 'step' && step === stopAfter) controller.abort();
  };
  return { strategy, targets, signal: controller.signal, onEvent };
}

await tf.setBackend('cpu');
const folder = process.argv[2];
if (!folder) throw new Error('name the folder to write to');
const ids = [0, 3, 6, 1, 2, 2, 5, 4];
const wanted = Float32Array.from({ length: 24 }, (_, index) => Math.sin(index * 1.7) * 2);
const expected: Record<string, readonly number[]> = {};
for (const [name, { run, save }] of Object.entries(cases)) {
  const model = await fixtureModel();
  const result = await fineTune(model, {
    loss: regression(),
    data: batches(
      { ids: hostArray(Int32Array.from(ids), [4, 2]), targets: hostArray(wanted, [4, 2, 3]) },
      { batchSize: 4 },
    ),
    steps: 20,
    optimizer: adamw(),
    schedule: 0.05,
    progress: false,
    onWarning: () => {},
    ...run,
  }).result;
  await saveAdapter(result.adapter, join(folder, name), save);
  // Rounded factors give other outputs, those of the folder.
  const written = save?.dtype ? await loadAdapter(join(folder, name), model, { formats }) : result.adapter;
  const adapted = await attach(model, written);
  expected[save?.adapter ? `${name}/${save.adapter}` : name] = [
    ...adapted.apply({ ids: tf.tensor(ids, [4, 2], 'int32') }).dataSync(),
  ];
}
await writeFile(join(folder, 'expected.json'), JSON.stringify(expected));
