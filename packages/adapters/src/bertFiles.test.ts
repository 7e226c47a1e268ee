import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { adalora, adaloraFileFormat } from '@peft/adalora';
import { exportOnnx, loadAdapter, saveAdapter } from '@peft/checkpoint';
import { type AnyModel, type AnyStrategy, attach, disposeAdapter, toFloat32, toTensor } from '@peft/core';
import { requireClose } from '@peft/core/testing';
import { lora, loraFileFormat } from '@peft/lora';
import { onnxEngine } from '@peft/onnx-backend';
import * as tf from '@tensorflow/tfjs';
import '@tensorflow/tfjs-backend-wasm';
import { afterAll, beforeAll, expect, it } from 'vitest';
import { sentences, smallBert, tenantOf } from '../test/textTenants.ts';
import { type AdapterChoice, type AdapterSet, adapterSet, type CallOptions } from './index.ts';

const formats = [loraFileFormat, adaloraFileFormat];
const engine = onnxEngine();
let folder: string;
let model: AnyModel;
let set: AdapterSet;

beforeAll(async () => {
  await tf.setBackend('wasm');
  folder = mkdtempSync(join(tmpdir(), 'adapters-'));
  model = smallBert();
  const strategies: Readonly<Record<string, AnyStrategy>> = {
    tickets: lora({ rank: 4 }) as AnyStrategy,
    style: adalora({ initRank: 4, targetRank: 2, warmupSteps: 2, finalSteps: 4 }) as AnyStrategy,
    tone: lora({ rank: 2, dora: true }) as AnyStrategy,
  };
  const targets: Readonly<Record<string, readonly string[]>> = {
    tickets: ['query', 'value'],
    style: ['value', 'intermediate.dense'],
    tone: ['query', 'word_embeddings', 'position_embeddings'],
  };
  for (const [place, [name, strategy]] of Object.entries(strategies).entries()) {
    const trained = await tenantOf(model, strategy, { place, targets: targets[name] as string[], seed: place });
    await saveAdapter(trained, join(folder, name));
    disposeAdapter(trained);
  }
  set = adapterSet(model, { engine });
  for (const name of Object.keys(strategies))
    await set.add(name, await loadAdapter(join(folder, name), model, { formats }));
});

afterAll(async () => {
  const fingerprint = model.weights.fingerprint();
  await set.dispose();
  engine.dispose();
  rmSync(folder, { recursive: true });
  expect(smallBert().weights.fingerprint()).toBe(fingerprint);
});

const columns = sentences();

function seen(options?: CallOptions): Float32Array {
  return tf.tidy(() => {
    const batch = Object.fromEntries(Object.entries(columns).map(([name, array]) => [name, toTensor(array)]));
    return (set.apply(batch, options).dataSync() as Float32Array).slice();
  });
}

it('serves a BERT with adapters of three methods from files, one by one, mixed, merged and compiled', async () => {
  const choices: readonly (AdapterChoice | undefined)[] = [
    'tickets',
    'style',
    'tone',
    undefined,
    { tickets: 0.3, style: 0.7 },
    { tone: 0.5, style: -0.5 },
  ];
  const rows = Array.from({ length: 16 }, (_, row) => choices[(row * 5) % choices.length]);
  const alone = new Map(choices.map((choice) => [choice, seen({ adapters: choice ?? [] })]));
  const mixed = seen({ rows });
  const predicted = toFloat32(await set.predict(columns, { rows }));
  for (const [row, choice] of rows.entries()) {
    const expected = (alone.get(choice) as Float32Array).slice(row * 2, row * 2 + 2);
    requireClose(mixed.slice(row * 2, row * 2 + 2), expected, { what: `row ${row}`, tolerance: 1e-6 });
    requireClose(predicted.slice(row * 2, row * 2 + 2), expected, { what: `predicted row ${row}`, tolerance: 1e-5 });
  }
  for (const choice of choices.slice(0, 3).concat(choices.slice(4))) {
    await set.activate(choice ?? []);
    await set.merge();
    requireClose(seen(), alone.get(choice) as Float32Array, { what: JSON.stringify(choice), tolerance: 1e-5 });
    await set.unmerge();
  }
});

it('the sum of LoRA and AdaLoRA is one LoRA in a file, and goes into an ONNX file', async () => {
  const choice = { tickets: 0.3, style: 0.7 };
  const sum = set.sum(choice);
  await saveAdapter(sum.adapter, join(folder, 'both'));
  const { outputs } = await exportOnnx(model, join(folder, 'both.onnx'), { adapter: sum.adapter });
  expect(outputs.map(({ shape }) => shape)).toEqual([['batch', 2]]);
  sum.dispose();
  const loaded = await loadAdapter(join(folder, 'both'), model, { formats });
  const attached = await attach(model, loaded);
  const output = tf.tidy(() =>
    attached
      .apply(Object.fromEntries(Object.entries(columns).map(([name, array]) => [name, toTensor(array)])))
      .dataSync()
      .slice(),
  );
  requireClose(output, seen({ adapters: choice }), { what: 'loaded', tolerance: 1e-5 });
  attached.dispose();
  disposeAdapter(loaded);
});
