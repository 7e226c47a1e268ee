import { byteSource, openSafetensors, writeSafetensors } from '@peft/checkpoint';
import { type HostArray, hostArray } from '@peft/core';
import { expect, test } from 'vitest';
import { fixtureFiles } from '../../test/golden.ts';
import { loadPretrained } from '../loadPretrained.ts';

/** A fixture's folder with its tensors changed. */
async function folderOf(name: string, change: (tensors: Map<string, HostArray>) => Map<string, HostArray>) {
  const files = fixtureFiles(name);
  const { tensors } = await openSafetensors(byteSource('model.safetensors', files['model.safetensors']));
  const read = await Promise.all([...tensors].map(async ([path, tensor]) => [path, await tensor.read()] as const));
  return { ...files, 'model.safetensors': writeSafetensors(change(new Map(read))) };
}

const renamed = (tensors: ReadonlyMap<string, HostArray>, prefix: string) =>
  new Map([...tensors].map(([path, array]) => [path.replace(prefix, ''), array]));

test.each([
  ['gpt2', 'transformer.'],
  ['llama', 'model.'],
  ['opt', 'model.'],
])('%s: files of the bare decoder, as published, are read by the names of the model', async (name, prefix) => {
  const model = await loadPretrained(fixtureFiles(name));
  const bare = await loadPretrained(await folderOf(name, (tensors) => renamed(tensors, prefix)));
  expect(bare.weights.fingerprint()).toBe(model.weights.fingerprint());
});

test('masks that old versions saved, and heads of other tasks, are left out', async () => {
  const mask = hostArray([1, 0], [1, 1, 1, 2]);
  const more = await folderOf('gpt2', (tensors) =>
    tensors.set('transformer.h.0.attn.bias', mask).set('h.1.attn.masked_bias', mask).set('score.weight', mask),
  );
  const model = await loadPretrained(fixtureFiles('gpt2'));
  expect((await loadPretrained(more)).weights.fingerprint()).toBe(model.weights.fingerprint());
  const frequencies = await folderOf('llama', (tensors) =>
    tensors
      .set('model.layers.0.self_attn.rotary_emb.inv_freq', mask)
      .set('layers.1.self_attn.rotary_emb.inv_freq', mask),
  );
  const plain = await loadPretrained(fixtureFiles('llama'));
  expect((await loadPretrained(frequencies)).weights.fingerprint()).toBe(plain.weights.fingerprint());
  const classifier = await folderOf('opt-classes', (tensors) => tensors.set('lm_head.weight', mask));
  expect((await loadPretrained(classifier)).weights.has('lm_head.weight')).toBe(false);
});

test('a tensor that comes by both names is reported', async () => {
  const twice = await folderOf('gpt2', (tensors) => tensors.set('wpe.weight', hostArray([1])));
  await expect(loadPretrained(twice)).rejects.toMatchObject({
    code: 'checkpoint/tensors',
    message: expect.stringContaining('"wpe.weight" is not a parameter of the model'),
  });
});

test('a head in the file is the model’s, whatever the config says', async () => {
  const head = hostArray(
    Float32Array.from({ length: 31 * 16 }, (_, index) => index),
    [31, 16],
  );
  const model = await loadPretrained(await folderOf('gpt2', (tensors) => tensors.set('lm_head.weight', head)));
  expect(model.config.tie_word_embeddings).toBe(false);
  expect(model.weights.get('lm_head.weight')).toEqual(head);
});

test('a classifier’s head is drawn for a folder that has none', async () => {
  const files = fixtureFiles('gpt2');
  const config = { architectures: ['GPT2ForSequenceClassification'], num_labels: 4 };
  await expect(loadPretrained(files, { config })).rejects.toMatchObject({ code: 'checkpoint/tensors' });
  const model = await loadPretrained(files, { config, freshHead: 3 });
  expect(model.weights.get('score.weight').shape).toEqual([16, 4]);
});
