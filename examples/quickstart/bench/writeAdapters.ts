import '@tensorflow/tfjs-backend-wasm';
import { writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { saveAdapter } from '@peft/checkpoint';
import { attach } from '@peft/core';
import { loadPretrained } from '@peft/models';
import * as tf from '@tensorflow/tfjs';
import { digitColumns } from '../src/digitColumns.ts';
import { readDigits } from '../src/digits.ts';
import { learningRateOf } from '../src/job.ts';
import { methods } from '../src/methods.ts';
import { splitDigits } from '../src/splitDigits.ts';
import { lowestNewDigit, trainMethod } from '../src/trainMethod.ts';

/*
 * Adapts the base by every method for a few steps, writes the adapters as folders under the path given, and
 * expected.json with the logits of this library. fixtures/python/check_written_vit.py loads the folders with
 * transformers and PEFT and compares.
 */

await tf.setBackend('wasm');
const folder = process.argv[2];
if (!folder) throw new Error('name the folder to write to');
const split = splitDigits(readDigits(), { from: lowestNewDigit, seed: 1 });
const { pixelValues } = digitColumns(split.test.slice(0, 32), lowestNewDigit);
const pixels = pixelValues.data as Float32Array;
const logits: Record<string, readonly number[]> = {};
for (const method of methods) {
  const model = await loadPretrained(new URL('../base', import.meta.url).pathname);
  const settings = { steps: 100, seed: 0, learningRate: learningRateOf(method.name), measureOn: 'validation' } as const;
  const { result } = await trainMethod(method, { model, split, ...settings });
  if (result.adapter.targets.length === 0) continue;
  await saveAdapter(result.adapter, join(folder, method.name));
  const adapted = await attach(model, result.adapter);
  logits[method.name] = [...adapted.apply({ pixelValues: tf.tensor(pixels, [...pixelValues.shape]) }).dataSync()];
}
await writeFile(
  join(folder, 'expected.json'),
  JSON.stringify({ shape: pixelValues.shape, pixels: [...pixels], logits }),
);
