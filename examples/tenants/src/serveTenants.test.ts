import { mkdtempSync, readdirSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { eagerEngine } from '@peft/core';
import { loadPretrained } from '@peft/models';
import { onnxEngine } from '@peft/onnx-backend';
import * as tf from '@tensorflow/tfjs';
import { afterEach, beforeEach, expect, test } from 'vitest';
import '@tensorflow/tfjs-backend-wasm';
import { serveTenants } from './serveTenants.ts';
import { tableOf } from './tableOf.ts';
import { quickstartFile, readTenants } from './tenant.ts';

let folder: string;
beforeEach(async () => {
  await tf.setBackend('wasm');
  folder = mkdtempSync(join(tmpdir(), 'tenants-'));
});
afterEach(() => rmSync(folder, { recursive: true }));

test('every tenant is answered by its own adapter, alone and in a mixed batch, and none waits for another to be trained', async () => {
  const model = await loadPretrained(fileURLToPath(quickstartFile('base')));
  const before = tf.memory().numTensors;
  const said: string[] = [];
  const result = await serveTenants({
    model,
    tenants: readTenants(),
    steps: 60,
    folder,
    engines: { answer: eagerEngine(), train: onnxEngine({ threads: 1 }) },
    say: (line) => said.push(line),
  });
  expect(readdirSync(folder).sort()).toEqual(['mirror', 'negative', 'north']);
  expect(said.length).toBe(4);
  expect(result.answers.failures).toBe(0);
  expect(result.answers.latencies.length).toBeGreaterThan(10);
  for (const { base, adapted, mixed } of result.tenants) {
    expect(adapted).toBeGreaterThan(base + 0.1);
    // A mixed batch has the first images of each, as many as the smallest tenant has.
    expect(Math.abs(mixed - adapted)).toBeLessThan(0.02);
  }
  expect(tableOf(result)).toContain('0 failed');
  model.weights.dispose();
  expect(tf.memory().numTensors).toBeLessThanOrEqual(before);
});
