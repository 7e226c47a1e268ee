import { mkdtempSync, rmSync } from 'node:fs';
import { readFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { adaloraFileFormat } from '@peft/adalora';
import { loadAdapter, saveAdapter } from '@peft/checkpoint';
import { attach, disposeAdapter, type TrainedAdapter } from '@peft/core';
import { loraFileFormat } from '@peft/lora';
import * as tf from '@tensorflow/tfjs';
import { expect, test } from 'vitest';
import { expectValues } from '../../test/expectValues.ts';
import { expectWrittenAgain } from '../../test/expectWrittenAgain.ts';
import { fixture, golden, readTensors } from '../../test/golden.ts';
import { onEachBackend } from '../../test/onEachBackend.ts';
import { loadPretrained, type PretrainedModel } from '../loadPretrained.ts';

const cases = ['lora', 'lora-everywhere', 'norms-saved', 'adalora'];
const layers = [0, 1].map((index) => `vit.encoder.layer.${index}`);
const targetsOf: Readonly<Record<string, readonly string[]>> = {
  lora: layers.flatMap((layer) => [`${layer}.attention.attention.query`, `${layer}.attention.attention.value`]),
  'lora-everywhere': layers.flatMap((layer) => [
    ...['query', 'key', 'value'].map((name) => `${layer}.attention.attention.${name}`),
    `${layer}.attention.output.dense`,
    `${layer}.intermediate.dense`,
    `${layer}.output.dense`,
  ]),
  'norms-saved': [...layers.map((layer) => `${layer}.attention.output.dense`), 'classifier'],
  adalora: layers.flatMap((layer) => [`${layer}.attention.attention.query`, `${layer}.intermediate.dense`]),
};

function load(folder: string, model: PretrainedModel): Promise<TrainedAdapter> {
  const onWarning = (warning: string) => expect.unreachable(warning);
  return loadAdapter(folder, model, { formats: [loraFileFormat, adaloraFileFormat], onWarning });
}

async function logitsOf(model: PretrainedModel, adapter: TrainedAdapter): Promise<Float32Array> {
  const { data, shape } = (await golden('vit')).get('pixelValues');
  const adapted = await attach(model, adapter);
  const logits = tf.tidy(() => adapted.apply({ pixelValues: tf.tensor(data as Float32Array, [...shape]) }));
  const values = (await logits.data()) as Float32Array;
  logits.dispose();
  adapted.dispose();
  return values;
}

async function inFolder(work: (folder: string) => Promise<void>): Promise<void> {
  const folder = mkdtempSync(join(tmpdir(), 'vit-adapters-'));
  await work(folder).finally(() => rmSync(folder, { recursive: true }));
}

onEachBackend(() => {
  test.each(cases)('the %s folder of PEFT on transformers 5 gives the logits it gives there', async (name) => {
    const model = await loadPretrained(fixture('vit'));
    const adapter = await load(fixture(`vit-adapters/${name}`), model);
    expect(adapter.targets.map(({ path }) => path)).toEqual(targetsOf[name]);
    const expected = (await readTensors(fixture('vit-adapters/expected.safetensors'))).tensors.get(name);
    const subject = 'ViT: outputs with adapter folders of PEFT';
    expectValues(subject, await logitsOf(model, adapter), expected?.data as Float32Array);
    disposeAdapter(adapter);
    model.weights.dispose();
  });
});

test.each(cases)('the %s folder is written again with its tensors and settings', async (name) => {
  const model = await loadPretrained(fixture('vit'));
  const adapter = await load(fixture(`vit-adapters/${name}`), model);
  await inFolder(async (folder) => {
    await saveAdapter(adapter, folder);
    const [mine, theirs] = await Promise.all(
      [folder, fixture(`vit-adapters/${name}`)].map((each) => readTensors(join(each, 'adapter_model.safetensors'))),
    );
    // bias="all" makes PEFT write the classifier's bias three times; once is enough.
    const once = [...(theirs?.tensors ?? [])].filter(([key]) => !/\.(?:modules_to_save|original_module)\./.test(key));
    expectWrittenAgain(mine?.tensors, once);

    const [written, read] = await Promise.all([folder, fixture(`vit-adapters/${name}`)].map(configIn));
    expect(written).toEqual(read);
  });
  disposeAdapter(adapter);
});

test.each(cases)('%s written for transformers 4 has the names of model files, and is read again', async (name) => {
  const model = await loadPretrained(fixture('vit'));
  const adapter = await load(fixture(`vit-adapters/${name}`), model);
  await inFolder(async (folder) => {
    await saveAdapter(adapter, folder, { moduleNames: 'file' });
    const { tensors } = await readTensors(join(folder, 'adapter_model.safetensors'));
    const modules = new Set([...model.targets.map(({ path }) => path), ...model.weights.paths]);
    const strange = [...tensors.keys()].filter((key) => {
      const path = key.replace('base_model.model.', '').replace(/\.(?:lora_.*|base_layer\.bias)$/, '');
      return !modules.has(path);
    });
    expect(strange).toEqual([]);
    const config = await configIn(folder);
    expect(config.target_modules).toEqual([...(targetsOf[name] ?? [])].sort());
    const again = await load(folder, model);
    expect(await logitsOf(model, again)).toEqual(await logitsOf(model, adapter));
    disposeAdapter(again);
  });
  disposeAdapter(adapter);
});

async function configIn(folder: string): Promise<Record<string, unknown>> {
  return JSON.parse(await readFile(join(folder, 'adapter_config.json'), 'utf8'));
}
