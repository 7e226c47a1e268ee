import { mkdtempSync, rmSync } from 'node:fs';
import { readFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { adaloraFileFormat } from '@peft/adalora';
import { loadAdapter, saveAdapter } from '@peft/checkpoint';
import { attach, disposeAdapter, type TrainedAdapter, toTensor } from '@peft/core';
import { loraFileFormat } from '@peft/lora';
import * as tf from '@tensorflow/tfjs';
import { expect, test } from 'vitest';
import { expectValues } from '../../test/expectValues.ts';
import { expectWrittenAgain } from '../../test/expectWrittenAgain.ts';
import { fixture, golden, readTensors } from '../../test/golden.ts';
import { onEachBackend } from '../../test/onEachBackend.ts';
import { loadPretrained, type PretrainedModel } from '../loadPretrained.ts';

const layers = [0, 1].map((index) => `bert.encoder.layer.${index}`);
const inEachLayer = (...names: readonly string[]) => layers.flatMap((layer) => names.map((name) => `${layer}.${name}`));
const linear = [
  ...['query', 'key', 'value'].map((name) => `attention.self.${name}`),
  'attention.output.dense',
  'intermediate.dense',
  'output.dense',
];

const cases = [
  { name: 'lora', base: 'bert', targets: inEachLayer('attention.self.query', 'attention.self.value') },
  { name: 'lora-everywhere', base: 'bert', targets: [...inEachLayer(...linear), 'bert.pooler.dense'] },
  {
    name: 'embeddings',
    base: 'bert',
    targets: [
      'bert.embeddings.word_embeddings',
      'bert.embeddings.token_type_embeddings',
      ...inEachLayer('attention.self.key'),
    ],
  },
  { name: 'adalora', base: 'bert', targets: inEachLayer('attention.self.query', 'intermediate.dense') },
  { name: 'head', base: 'bert-words', targets: [...inEachLayer('attention.self.value'), 'cls.predictions.decoder'] },
  {
    name: 'words',
    base: 'bert-words',
    targets: [...inEachLayer('attention.self.query'), 'cls.predictions.transform.dense'],
  },
] as const;

function load(folder: string, model: PretrainedModel): Promise<TrainedAdapter> {
  const onWarning = (warning: string) => expect.unreachable(warning);
  return loadAdapter(folder, model, { formats: [loraFileFormat, adaloraFileFormat], onWarning });
}

async function outputOf(base: string, model: PretrainedModel, adapter: TrainedAdapter): Promise<Float32Array> {
  const { get } = await golden(base);
  const adapted = await attach(model, adapter);
  const columns = ['inputIds', 'attentionMask', 'tokenTypeIds'];
  const output = tf.tidy(() => adapted.apply(Object.fromEntries(columns.map((name) => [name, toTensor(get(name))]))));
  const values = output.dataSync() as Float32Array;
  output.dispose();
  adapted.dispose();
  return values;
}

onEachBackend(() => {
  test.each(cases)('the $name folder of PEFT gives the outputs it gives there', async ({ name, base, targets }) => {
    const model = await loadPretrained(fixture(base));
    const adapter = await load(fixture(`bert-adapters/${name}`), model);
    expect(adapter.targets.map(({ path }) => path)).toEqual(targets);
    const expected = (await readTensors(fixture('bert-adapters/expected.safetensors'))).tensors.get(name);
    const subject = 'BERT: outputs with adapter folders of PEFT';
    expectValues(subject, await outputOf(base, model, adapter), expected?.data as Float32Array);
    disposeAdapter(adapter);
    model.weights.dispose();
  });
});

test.each(cases)('the $name folder is written again with its tensors and settings', async ({ name, base }) => {
  const model = await loadPretrained(fixture(base));
  const adapter = await load(fixture(`bert-adapters/${name}`), model);
  const folder = mkdtempSync(join(tmpdir(), 'bert-adapters-'));
  try {
    const read = await configIn(fixture(`bert-adapters/${name}`));
    await saveAdapter(adapter, folder);
    const [mine, theirs] = await Promise.all(
      [folder, fixture(`bert-adapters/${name}`)].map((each) => readTensors(join(each, 'adapter_model.safetensors'))),
    );
    // bias="all" makes PEFT write the classifier's bias three times; once is enough.
    const once = [...(theirs?.tensors ?? [])].filter(([key]) => !/\.(?:modules_to_save|original_module)\./.test(key));
    expectWrittenAgain(mine?.tensors, once);
    expect(await configIn(folder)).toEqual(read);
  } finally {
    rmSync(folder, { recursive: true });
  }
  disposeAdapter(adapter);
});

async function configIn(folder: string): Promise<Record<string, unknown>> {
  return JSON.parse(await readFile(join(folder, 'adapter_config.json'), 'utf8'));
}
