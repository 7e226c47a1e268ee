import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { hostArray, Weights } from '@peft/core';
import { afterEach, beforeEach, expect, test } from 'vitest';
import { fixture, fixtureFiles } from '../test/golden.ts';
import { loadPretrained } from './loadPretrained.ts';
import { saveModel } from './saveModel.ts';

let folder: string;
beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'save-model-'));
});
afterEach(() => rmSync(folder, { recursive: true }));

test.each(['vit', 'vit-uneven'])('%s: what transformers saved is written again byte for byte', async (name) => {
  const model = await loadPretrained(fixture(name));
  await saveModel(join(folder, 'saved'), model);
  const saved = (file: string) => new Uint8Array(readFileSync(join(folder, 'saved', file)));
  const original = fixtureFiles(name);
  expect(saved('model.safetensors')).toEqual(original['model.safetensors']);
  const parse = (bytes: Uint8Array) => JSON.parse(new TextDecoder().decode(bytes)) as unknown;
  expect(parse(saved('config.json'))).toEqual(parse(original['config.json']));
});

test('other weights take the place of the model’s own', async () => {
  const model = await loadPretrained(fixture('vit-uneven'));
  const halved = model.weights.paths.map((path) => {
    const { data, shape } = model.weights.get(path);
    return [
      path,
      hostArray(
        (data as Float32Array).map((value) => value / 2),
        shape,
      ),
    ] as const;
  });
  await saveModel(folder, model, new Weights(halved));
  const { weights } = await loadPretrained(folder);
  for (const [path, array] of halved) expect(weights.get(path), path).toEqual(array);
});

test('weights of another model are refused, all that do not fit at once, and nothing is written', async () => {
  const model = await loadPretrained(fixture('vit-uneven'));
  const others = model.weights.paths
    .filter((path) => path !== 'classifier.bias')
    .map((path) => [path, path === 'classifier.weight' ? hostArray([1, 2]) : model.weights.get(path)] as const);
  await expect(saveModel(join(folder, 'saved'), model, new Weights(others))).rejects.toMatchObject({
    code: 'checkpoint/tensors',
    message:
      'the weights to write are not those of the model; pass its own, [in, out] where they multiply:\n' +
      '  "classifier.weight" is [2], and the model has [12, 3]\n' +
      '  "classifier.bias" is missing',
  });
  expect(() => readFileSync(join(folder, 'saved', 'config.json'))).toThrow('ENOENT');
});

test('a config without a family is refused', async () => {
  const { weights } = await loadPretrained(fixture('vit-uneven'));
  await expect(saveModel(folder, { config: {}, weights })).rejects.toMatchObject({
    code: 'model/family',
    message: 'model_type in config.json is missing; the families that can be loaded are bert, gpt2, llama, opt, vit.',
  });
});
