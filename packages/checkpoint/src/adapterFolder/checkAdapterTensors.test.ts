import { type AnyModel, type HostArray, hostArray, isPeftError, Weights } from '@peft/core';
import { expect, it } from 'vitest';
import { byteSource } from '../byteSource.ts';
import { openSafetensors } from '../safetensors/openSafetensors.ts';
import { writeSafetensors } from '../safetensors/writeSafetensors.ts';
import { checkAdapterTensors } from './checkAdapterTensors.ts';
import type { ExpectedTensor } from './expectTensors.ts';
import { ownNames } from './moduleNames.ts';
import { type FloatDtype, narrowed } from './narrowed.ts';

const table = hostArray(Float32Array.of(0.1, -0.2, 1 / 3, 7e-6), [2, 2]);
const bias = hostArray(Float32Array.of(0.7, 70000));
const model: AnyModel = {
  targets: [{ path: 'embed', kind: 'embedding', shape: [2, 2] }],
  weights: new Weights([
    ['embed.weight', table],
    ['words.decoder.bias', bias],
  ]),
  aliases: { 'words.bias': 'words.decoder.bias' },
  apply: () => {
    throw new Error('not run');
  },
};
const trainedBias: readonly [string, ExpectedTensor] = [
  'base_model.model.words.decoder.bias',
  { shape: [2], axes: 'same', goesTo: { parameter: 'words.decoder.bias' } },
];

async function check(
  tensors: Readonly<Record<string, HostArray>>,
  expected: readonly (readonly [string, ExpectedTensor])[] = [],
): Promise<string> {
  const bytes = writeSafetensors(new Map(Object.entries(tensors)));
  const file = await openSafetensors(byteSource('the file', bytes));
  try {
    await checkAdapterTensors(file, new Map(expected), { model, names: ownNames });
    return 'fits';
  } catch (error) {
    if (!isPeftError(error)) throw error;
    return `${error.code}: ${error.message}`;
  }
}

it.each(['float16', 'bfloat16'] satisfies FloatDtype[])(
  'a copy of the base in %s is one rounded to it',
  async (dtype) => {
    const copy = (array: HostArray) => narrowed(new Map([['', array]]), dtype).get('') as HostArray;
    expect(await check({ 'base_model.model.embed.base_layer.weight': copy(table) })).toBe('fits');
    const other = hostArray(Float32Array.of(0.1, -0.2, 0.336, 7e-6), [2, 2]);
    expect(await check({ 'base_model.model.embed.base_layer.weight': copy(other) })).toBe(
      'checkpoint/adapter-tensors: the file: the adapter does not fit its configuration and this model (0 tensors are expected, the file has 1); load the base it was trained on, or save it again:\n  "base_model.model.embed.base_layer.weight" is a weight of another base: this model\'s differs',
    );
  },
);

it('a value of the base beyond the range of float16 is infinite in its copy', async () => {
  const copy: HostArray = { dtype: 'float16', shape: [2], data: Uint16Array.of(0x399a, 0x7c00) };
  expect(await check({ 'base_model.model.words.decoder.bias': copy })).toBe('fits');
});

it('a parameter that Python keeps under two names may stand in the file twice, with the same values', async () => {
  const trained = hostArray(Float32Array.of(3, 4));
  const twice = { 'base_model.model.words.decoder.bias': trained, 'base_model.model.words.bias': trained };
  expect(await check(twice, [trainedBias])).toBe('fits');
  expect(await check({ ...twice, 'base_model.model.words.bias': bias }, [trainedBias])).toBe(
    'checkpoint/adapter-tensors: the file: the adapter does not fit its configuration and this model (1 tensors are expected, the file has 2); load the base it was trained on, or save it again:\n  "base_model.model.words.bias" differs from "base_model.model.words.decoder.bias", the same parameter',
  );
});

it('biases of modules trained whole may stand again under the names of their copies, and as they were', async () => {
  const trained = hostArray(Float32Array.of(3, 4));
  const file = {
    'base_model.model.words.decoder.bias': trained,
    'base_model.model.words.modules_to_save.default.decoder.bias': trained,
    'base_model.model.words.modules_to_save.bias': trained,
    'base_model.model.words.original_module.decoder.bias': bias,
    'base_model.model.words.original_module.bias': bias,
  };
  expect(await check(file, [trainedBias])).toBe('fits');
  expect(await check({ ...file, 'base_model.model.words.original_module.bias': trained }, [trainedBias])).toBe(
    'checkpoint/adapter-tensors: the file: the adapter does not fit its configuration and this model (1 tensors are expected, the file has 5); load the base it was trained on, or save it again:\n  "base_model.model.words.original_module.bias" is a weight of another base: this model\'s differs',
  );
});

it("the other name alone may hold the base's own values", async () => {
  expect(await check({ 'base_model.model.words.bias': bias })).toBe('fits');
  expect(await check({ 'base_model.model.words.bias': hostArray(Float32Array.of(3, 4)) })).toBe(
    'checkpoint/adapter-tensors: the file: the adapter does not fit its configuration and this model (0 tensors are expected, the file has 1); load the base it was trained on, or save it again:\n  "base_model.model.words.bias" is a weight of another base: this model\'s differs',
  );
});
