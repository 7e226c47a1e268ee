import { readFileSync } from 'node:fs';
import { type HostArray, toFloat32 } from '@peft/core';
import { expectParity } from '@peft/parity';
import { expect, test } from 'vitest';
import { byteSource } from '../byteSource.ts';
import { openSafetensors, type SafetensorsFile } from './openSafetensors.ts';
import { safetensorsChunks, writeSafetensors } from './writeSafetensors.ts';

// Written by fixtures/python/safetensors_files.py.
const fixture = (name: string) => readFileSync(new URL(`../__fixtures__/${name}`, import.meta.url));
const open = (name: string) => openSafetensors(byteSource(name, fixture(name)));

async function concatenated(chunks: AsyncIterable<Uint8Array>): Promise<Buffer> {
  const parts: Uint8Array[] = [];
  for await (const chunk of chunks) parts.push(chunk);
  return Buffer.concat(parts);
}

async function readAll(file: SafetensorsFile): Promise<Map<string, HostArray>> {
  const arrays = new Map<string, HostArray>();
  for (const [name, tensor] of file.tensors) arrays.set(name, await tensor.read());
  return arrays;
}

test('every dtype with a host form, as Python wrote it', async () => {
  const file = await open('every-dtype.safetensors');
  expect(file.metadata).toEqual({ format: 'pt' });
  const arrays = await readAll(file);
  const float32 = [Math.fround(0.1), -2.5, Math.fround(3e38), Math.fround(1e-45), -Infinity, 16777216];
  expect(arrays.get('float64')).toEqual({
    dtype: 'float64',
    shape: [6],
    data: Float64Array.of(0, -0, 1 / 3, 1e308, Infinity, NaN),
  });
  expect(arrays.get('float32')).toEqual({ dtype: 'float32', shape: [2, 3], data: Float32Array.from(float32) });
  expect(arrays.get('scalar')).toEqual({ dtype: 'float32', shape: [], data: Float32Array.of(7) });
  expect(arrays.get('empty')).toEqual({ dtype: 'float32', shape: [0, 16], data: new Float32Array(0) });
  expect(arrays.get('bool')).toEqual({ dtype: 'bool', shape: [2, 1], data: Uint8Array.of(1, 0) });
  const integers = {
    int8: Int8Array.of(-128, 0, 1, 127),
    uint8: Uint8Array.of(0, 0, 1, 255),
    int16: Int16Array.of(-32768, 0, 1, 32767),
    uint16: Uint16Array.of(0, 0, 1, 65535),
    int32: Int32Array.of(-2147483648, 0, 1, 2147483647),
    uint32: Uint32Array.of(0, 0, 1, 4294967295),
    int64: BigInt64Array.of(-(2n ** 63n), 0n, 1n, 2n ** 63n - 1n),
    uint64: BigUint64Array.of(0n, 0n, 1n, 2n ** 64n - 1n),
  };
  for (const [dtype, data] of Object.entries(integers)) expect(arrays.get(dtype)).toEqual({ dtype, shape: [4], data });
  const names = [
    'a/slash.and.dots',
    'quote"back\\slash\ttab',
    'été',
    '\uffee after the emoji in UTF-16, before it in UTF-8',
    '😀 emoji',
  ];
  expect(names.flatMap((name) => [...(arrays.get(name)?.data ?? [])])).toEqual([1, 2, 3, 4, 5, 6]);
  expect(arrays.size).toBe(22);
});

test.each(['float16', 'bfloat16', 'float8_e4m3', 'float8_e5m2'])(
  '%s widens to the values torch gives',
  async (dtype) => {
    const widened: Record<string, number[]> = JSON.parse(fixture('widened.json').toString());
    const expected = new Float32Array(Uint32Array.from(widened[dtype] ?? []).buffer);
    const array = await (await open('every-dtype.safetensors')).tensors.get(dtype)?.read();
    if (array === undefined) throw new Error(`the fixture has no ${dtype}`);
    expect(array.dtype).toBe(dtype);
    expect(expected.length).toBeGreaterThanOrEqual(34);
    const subject = 'safetensors: values and bytes';
    expectParity(subject, { actual: toFloat32(array), expected, tolerance: 0, by: 'equal' });
  },
);

test.each(['every-dtype.safetensors', 'no-tensors.safetensors'])(
  '%s is written again with the same bytes',
  async (name) => {
    const file = await open(name);
    const arrays = await readAll(file);
    const metadata = name.startsWith('no') ? undefined : file.metadata;
    const backwards = new Map([...arrays].reverse());
    const written = [
      writeSafetensors(backwards, metadata),
      await concatenated(safetensorsChunks(file.tensors, metadata)),
    ];
    for (const actual of written) {
      const comparison = { actual, expected: fixture(name), tolerance: 0, by: 'equal' } as const;
      expectParity('safetensors: values and bytes', comparison);
    }
  },
);

test('dtypes without host form give their bytes, and one clear error for their values', async () => {
  const { tensors } = await open('opaque-dtypes.safetensors');
  expect([...tensors].map(([name, { dtype, shape }]) => [name, dtype, shape])).toEqual([
    ['C64', 'C64', [1]],
    ['plain', 'float32', [1]],
    ['F8_E5M2FNUZ', 'F8_E5M2FNUZ', [3]],
    ['F8_E4M3FNUZ', 'F8_E4M3FNUZ', [3]],
    ['F8_E8M0', 'F8_E8M0', [3]],
  ]);
  expect((await concatenated(safetensorsChunks(tensors))).equals(fixture('opaque-dtypes.safetensors'))).toBe(true);
  expect(await tensors.get('F8_E8M0')?.readBytes()).toEqual(Uint8Array.of(0, 127, 255));
  expect(await tensors.get('C64')?.readBytes()).toEqual(new Uint8Array(Float32Array.of(1, 2).buffer));
  await expect(tensors.get('F8_E8M0')?.read()).rejects.toMatchObject({
    code: 'checkpoint/opaque-dtype',
    message:
      'opaque-dtypes.safetensors: "F8_E8M0" is stored as F8_E8M0, whose values this library does not interpret; take its bytes with readBytes(), or store it as another dtype.',
  });
});
