import '@tensorflow/tfjs-backend-wasm';
import { writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { adalora } from '@peft/adalora';
import { saveAdapter } from '@peft/checkpoint';
import { cola } from '@peft/cola';
import {
  type AnyStrategy,
  adamw,
  attach,
  batches,
  classification,
  type FineTuneOptions,
  fineTune,
  hostArray,
} from '@peft/core';
import { lora } from '@peft/lora';
import { loadPretrained } from '@peft/models';
import * as tf from '@tensorflow/tfjs';

/*
 * Trains adapters on the ViT in fixtures, writes each as a folder under the path given, and expected.json with the
 * logits of this library; "file" after the path writes the names of transformers 4. fixtures/python/check_written_vit.py loads the folders with transformers and PEFT and compares.
 */

type Options = Partial<FineTuneOptions>;

const attention = ['query', 'value'];
const everywhere = ['query', 'key', 'value', 'dense', 'classifier'];
const budget = { initRank: 4, targetRank: 2, warmupSteps: 2, finalSteps: 6, alpha: 16 };
const cases: Readonly<Record<string, Options>> = {
  lora: using(lora({ rank: 3, alpha: 7 }), attention),
  'lora on every linear layer': using(lora({ rank: 2, rsLora: true }), everywhere),
  'lora, bias all': { ...using(lora({ rank: 2 }), attention), bias: 'all' },
  'lora, bias adapted': { ...using(lora({ rank: 2 }), attention), bias: 'adapted' },
  patterns: using(
    lora({
      rank: 2,
      rankPattern: { query: 5, 'layer.1.attention.output.dense': 3 },
      alphaPattern: { classifier: 2.5 },
    }),
    everywhere,
  ),
  dora: using(lora({ rank: 2, dora: true }), everywhere),
  'modules to save': { ...using(lora({ rank: 2 }), attention), modulesToSave: ['classifier'] },
  'modules to save that Python has no name for': {
    ...using(lora({ rank: 2 }), attention),
    modulesToSave: ['intermediate', 'layernorm_before', 'classifier'],
  },
  'modules to save, more than layers': {
    strategy: lora({ rank: 2 }),
    targets: ['intermediate.dense'],
    modulesToSave: ['attention', 'layernorm'],
  },
  'cola of 3': using(cola(lora({ rank: 1, alpha: 2 }), { links: 3 }), everywhere),
  'cola of unequal ranks': {
    ...using(
      cola((i) => lora({ rank: 3 - i }), { links: 3 }),
      attention,
    ),
    modulesToSave: ['classifier'],
  },
  'cola of adalora': using(cola(adalora({ ...budget, warmupSteps: 0, finalSteps: 2 }), { links: 3 }), everywhere),
  adalora: using(adalora(budget), everywhere),
  'adalora and a trained head': { ...using(adalora(budget), attention), modulesToSave: ['classifier'] },
};

function using(strategy: AnyStrategy, targets: readonly string[]): Options {
  return { strategy, targets };
}

await tf.setBackend('wasm');
const [, , folder, moduleNames = 'python'] = process.argv;
if (!folder) throw new Error('name the folder to write to');
if (moduleNames !== 'python' && moduleNames !== 'file') throw new Error('module names are "python" or "file"');
const base = new URL('../src/__fixtures__/vit/', import.meta.url).pathname;
const shape = [6, 1, 8, 8];
const pixels = Float32Array.from({ length: 384 }, (_, index) => Math.sin(index * 1.7) * 1.3);
const labels = hostArray(Int32Array.of(0, 1, 2, 3, 4, 0));
const logits: Record<string, readonly number[]> = {};
for (const [name, options] of Object.entries(cases)) {
  const model = await loadPretrained(base);
  const { adapter } = await fineTune(model, {
    loss: classification(),
    data: batches({ pixelValues: hostArray(pixels, shape), labels }, { batchSize: 3 }),
    steps: 20,
    optimizer: adamw(),
    schedule: 0.03,
    progress: false,
    onWarning: () => {},
    ...options,
  }).result;
  await saveAdapter(adapter, join(folder, name), { moduleNames });
  const adapted = await attach(model, adapter);
  logits[name] = [...adapted.apply({ pixelValues: tf.tensor(pixels, shape) }).dataSync()];
}
await writeFile(join(folder, 'expected.json'), JSON.stringify({ shape, pixels: [...pixels], logits }));
