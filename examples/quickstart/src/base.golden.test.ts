import '@tensorflow/tfjs-backend-wasm';
import { fileURLToPath } from 'node:url';
import { adaptedAt } from '@peft/core';
import { loadPretrained } from '@peft/models';
import * as tf from '@tensorflow/tfjs';
import { beforeAll, expect, test } from 'vitest';
import golden from './__fixtures__/base.json' with { type: 'json' };
import { digitColumns } from './digitColumns.ts';
import { type Digit, readDigits } from './digits.ts';

beforeAll(async () => {
  await tf.setBackend('wasm');
});

test('the committed base computes what transformers computes with it', async () => {
  const model = await loadPretrained(fileURLToPath(new URL('../base', import.meta.url)));
  const digits = readDigits();
  const { pixelValues } = digitColumns(
    golden.rows.map((row) => digits[row] as Digit),
    0,
  );
  const logits = tf.tidy(() => {
    const pixels = tf.tensor(pixelValues.data as Float32Array, [...pixelValues.shape]);
    return model
      .apply({ pixelValues: pixels }, adaptedAt({ weights: model.weights, modules: model.targets }))
      .dataSync();
  });
  const expected = golden.logits.flat();
  const difference = Math.hypot(...expected.map((value, index) => value - (logits[index] ?? Number.NaN)));
  expect(difference / Math.hypot(...expected)).toBeLessThan(1e-5);
});
