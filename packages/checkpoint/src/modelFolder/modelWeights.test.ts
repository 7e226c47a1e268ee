import { join } from 'node:path';
import { type HostArray, hostArray, Weights } from '@peft/core';
import { expect, test } from 'vitest';
import { writeSafetensors } from '../safetensors/writeSafetensors.ts';
import { withTemporaryFolder } from '../testing/temporaryFolder.ts';
import type { ModelParameter } from './modelParameter.ts';
import { readModelFolder } from './readModelFolder.ts';
import { readModelWeights } from './readModelWeights.ts';
import { writeModelFolder } from './writeModelFolder.ts';

const parameters = new Map<string, ModelParameter>([
  ['linear.weight', { shape: [3, 2], inputAxes: [3] }],
  ['convolution.weight', { shape: [4, 2], inputAxes: [1, 2, 2] }],
  ['table', { shape: [2, 3] }],
]);

const half: HostArray = { dtype: 'bfloat16', shape: [2, 3], data: Uint16Array.of(1, 2, 3, 4, 5, 6) };
const stored = new Map<string, HostArray>([
  ['linear.weight', half],
  ['convolution.weight', hostArray([1, 2, 3, 4, 5, 6, 7, 8], [2, 1, 2, 2])],
  ['table', hostArray([1, 2, 3, 4, 5, 6], [2, 3])],
]);

test('weights that multiply come output last, the rest and every dtype as stored; written again they are torch’s', async () => {
  const files = { 'config.json': new TextEncoder().encode('{"a":1}'), 'model.safetensors': writeSafetensors(stored) };
  const weights = await readModelWeights(await readModelFolder(files), parameters);
  expect(weights.get('linear.weight')).toEqual({ ...half, shape: [3, 2], data: Uint16Array.of(1, 4, 2, 5, 3, 6) });
  expect(weights.get('convolution.weight')).toEqual(hostArray([1, 5, 2, 6, 3, 7, 4, 8], [4, 2]));
  expect(weights.get('table')).toEqual(stored.get('table'));

  await withTemporaryFolder(async (parent) => {
    const folder = join(parent, 'model');
    await writeModelFolder(folder, { config: { a: 1 }, weights, parameters });
    const { config, tensors } = await readModelFolder(folder);
    expect(config).toEqual({ a: 1 });
    for (const [name, array] of stored) expect(await tensors.get(name)?.read(), name).toEqual(array);
  });
});

test('tensors that do not fit are named all at once, reading and writing', async () => {
  const { tensors } = await readModelFolder({
    'config.json': new TextEncoder().encode('{}'),
    'model.safetensors': writeSafetensors(
      new Map([...stored, ['linear.weight', hostArray([1, 2, 3], [3, 1])], ['extra', hostArray([1])]]),
    ),
  });
  await expect(readModelWeights({ tensors }, parameters)).rejects.toMatchObject({
    code: 'checkpoint/tensors',
    message:
      'the weights do not fit the model that config.json describes (3 tensors are expected, the folder has 4); use the config and the weights of one model:\n' +
      '  "linear.weight" is [3, 1], and the model has [2, 3]\n' +
      '  "extra" is not a parameter of the model',
  });
  const weights = new Weights([['table', hostArray([1, 2, 3, 4, 5, 6], [3, 2])]]);
  await expect(writeModelFolder('unused', { config: {}, weights, parameters })).rejects.toMatchObject({
    code: 'checkpoint/tensors',
    message:
      'the weights to write are not those of the model; pass its own, [in, out] where they multiply:\n' +
      '  "linear.weight" is missing\n  "convolution.weight" is missing\n' +
      '  "table" is [3, 2], and the model has [2, 3]',
  });
});
