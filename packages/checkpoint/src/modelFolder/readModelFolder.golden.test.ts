import { fileURLToPath } from 'node:url';
import { sizeOf, toFloat32 } from '@peft/core';
import { expectParity } from '@peft/parity';
import { expect, test } from 'vitest';
import { readModelFolder } from './readModelFolder.ts';

// Written by fixtures/python/model_folders.py: parameter i, counted by name, holds i + position / 64 as float16.
const fixture = (name: string) => fileURLToPath(new URL(`../__fixtures__/${name}`, import.meta.url));

test.each([
  ['single-model', ['model.safetensors']],
  ['sharded-model', ['model-00001-of-00002.safetensors', 'model-00002-of-00002.safetensors']],
])('%s as transformers saved it', async (name, files) => {
  const { config, tensors } = await readModelFolder(fixture(name));
  expect(config).toMatchObject({ model_type: 'bert', hidden_size: 4, num_hidden_layers: 1, dtype: 'float16' });
  const names = [...tensors.keys()].sort();
  expect(names).toHaveLength(25);
  expect(names.at(-1)).toBe('classifier.weight');
  expect(tensors.get('bert.encoder.layer.0.output.dense.weight')?.shape).toEqual([4, 8]);
  expect(new Set([...tensors.values()].map(({ file }) => file.slice(fixture(name).length + 1)))).toEqual(
    new Set(files),
  );
  for (const [place, key] of names.entries()) {
    const array = await tensors.get(key)?.read();
    if (array === undefined) throw new Error(`${key} is gone`);
    expect(array.dtype).toBe('float16');
    const expected = Array.from({ length: sizeOf(array.shape) }, (_, at) => place + at / 64);
    expectParity('model folders: weights', { actual: toFloat32(array), expected, tolerance: 0, by: 'equal' });
  }
});
