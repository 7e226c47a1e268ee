import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { writeSafetensors } from '@peft/checkpoint';
import { type HostArray, hostArray, type Weights } from '@peft/core';
import { afterEach, beforeEach, expect, test } from 'vitest';
import { fixture, fixtureFiles, readTensors } from '../../test/golden.ts';
import { type LoadOptions, loadPretrained } from '../loadPretrained.ts';
import { saveModel } from '../saveModel.ts';

let folder: string;
beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'bert-folders-'));
});
afterEach(() => rmSync(folder, { recursive: true }));

/** A fixture's folder with its tensors changed. */
async function changed(name: string, change: (tensors: Map<string, HostArray>) => Map<string, HostArray>) {
  const { tensors } = await readTensors(fixture(`${name}/model.safetensors`));
  return { ...fixtureFiles(name), 'model.safetensors': writeSafetensors(change(tensors)) };
}

function renamed(tensors: ReadonlyMap<string, HostArray>, rename: (name: string) => string): Map<string, HostArray> {
  return new Map([...tensors].map(([name, array]) => [rename(name), array]));
}

function expectEqual(
  actual: Weights,
  expected: Weights,
  within: (path: string) => string | undefined = (path) => path,
) {
  for (const path of actual.paths) {
    const other = within(path);
    if (other !== undefined) expect(actual.get(path), path).toEqual(expected.get(other));
  }
}

test('a folder as published: norms called gamma and beta, buffers, and heads of pre-training beside the one asked for', async () => {
  const source = await changed('bert-words', (tensors) =>
    renamed(tensors, (name) =>
      name.replace('LayerNorm.weight', 'LayerNorm.gamma').replace('LayerNorm.bias', 'LayerNorm.beta'),
    )
      .set(
        'bert.embeddings.position_ids',
        hostArray(
          Int32Array.from({ length: 12 }, (_, index) => index),
          [1, 12],
        ),
      )
      .set('bert.pooler.dense.weight', hostArray(new Float32Array(256), [16, 16]))
      .set('bert.pooler.dense.bias', hostArray(new Float32Array(16)))
      .set('cls.seq_relationship.weight', hostArray(new Float32Array(32), [2, 16]))
      .set('cls.seq_relationship.bias', hostArray(new Float32Array(2))),
  );
  const [published, plain] = await Promise.all([loadPretrained(source), loadPretrained(fixture('bert-words'))]);
  expect(published.weights.fingerprint()).toBe(plain.weights.fingerprint());
});

const task = (architecture: string): LoadOptions => ({ config: { architectures: [architecture] } });

test('the encoder of a classifier, and a classifier on an encoder with a head that is drawn', async () => {
  const whole = await loadPretrained(fixture('bert'));
  const encoder = await loadPretrained(fixture('bert'), task('BertModel'));
  expect(encoder.weights.paths).toHaveLength(whole.weights.paths.length - 2);
  expectEqual(encoder.weights, whole.weights, (path) => `bert.${path}`);

  const bare = await loadPretrained(fixture('bert-encoder'));
  const started = await loadPretrained(fixture('bert-encoder'), {
    ...task('BertForSequenceClassification'),
    freshHead: 1,
  });
  expectEqual(started.weights, bare.weights, (path) =>
    path.startsWith('classifier.') ? undefined : path.replace('bert.', ''),
  );
  expect(started.weights.get('classifier.weight').shape).toEqual([16, 2]);
});

test('a classifier on a masked-language model draws its pooler too, and only that', async () => {
  const words = await loadPretrained(fixture('bert-words'));
  const options = task('BertForSequenceClassification');
  const started = await loadPretrained(fixture('bert-words'), { ...options, freshHead: 1 });
  const isHead = (path: string) => /^(?:bert\.pooler|classifier)\./.test(path);
  expectEqual(started.weights, words.weights, (path) => (isHead(path) ? undefined : path));
  expect(started.weights.paths.filter(isHead)).toEqual([
    'bert.pooler.dense.bias',
    'bert.pooler.dense.weight',
    'classifier.bias',
    'classifier.weight',
  ]);
  await expect(loadPretrained(fixture('bert-words'), options)).rejects.toMatchObject({
    code: 'checkpoint/tensors',
    message:
      `${fixture('bert-words')}: the weights do not fit the model that config.json describes (41 tensors are expected, the folder has 37); use the config and the weights of one model:\n` +
      '  "bert.pooler.dense.weight" is missing\n' +
      '  "bert.pooler.dense.bias" is missing\n' +
      '  "classifier.weight" is missing\n' +
      '  "classifier.bias" is missing',
  });
});

test('tensors that no BERT has, two of one name, and a table for the head beside its own are refused', async () => {
  const source = await changed('bert-words', (tensors) =>
    tensors
      .set('bert.embeddings.LayerNorm.gamma', hostArray(new Float32Array(16)))
      .set('bert.encoder.layer.2.attention.self.query.bias', hostArray(new Float32Array(16)))
      .set('cls.predictions.decoder.weight', hostArray(new Float32Array(464), [29, 16])),
  );
  await expect(loadPretrained(source)).rejects.toMatchObject({
    code: 'checkpoint/tensors',
    message: expect.stringMatching(
      /model:\n {2}"bert\.embeddings\.LayerNorm\.gamma" is not a parameter of the model\n {2}"bert\.encoder\.layer\.2\.attention\.self\.query\.bias" is not a parameter of the model\n {2}"cls\.predictions\.decoder\.weight" is not a parameter of the model$/,
    ),
  });
});

test.each(['bert', 'bert-uneven', 'bert-words', 'bert-encoder'])(
  '%s: what transformers saved is written again',
  async (name) => {
    await saveModel(join(folder, 'saved'), await loadPretrained(fixture(name)));
    const [saved, original] = await Promise.all(
      [join(folder, 'saved'), fixture(name)].map((each) => readTensors(join(each, 'model.safetensors'))),
    );
    expect(saved).toEqual(original);
    expect([...(saved?.tensors.keys() ?? [])]).toEqual([...(original?.tensors.keys() ?? [])]);
  },
);

test('a head and a table that differ have no file', async () => {
  const model = await loadPretrained(fixture('bert-words'));
  const weights = model.weights.fork();
  const table = model.weights.get('bert.embeddings.word_embeddings.weight');
  const scaled = (factor: number) =>
    hostArray(
      (table.data as Float32Array).map((value) => value * factor),
      table.shape,
    );
  weights.write('cls.predictions.decoder.weight', scaled(1));
  await saveModel(join(folder, 'same'), model, weights);
  weights.write('cls.predictions.decoder.weight', scaled(2));
  await expect(saveModel(join(folder, 'parted'), model, weights)).rejects.toMatchObject({
    code: 'model/tied',
    message:
      '"cls.predictions.decoder.weight" and "bert.embeddings.word_embeddings.weight" are one weight in the model\'s files, and here they differ; leave both out of what is merged or trained, or save the adapter instead.',
  });
  weights.dispose();
  model.weights.dispose();
});
