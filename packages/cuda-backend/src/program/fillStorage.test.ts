import { type HostArray, toFloat32 } from '@peft/core';
import fc from 'fast-check';
import { expect, it } from 'vitest';
import { bytesPerNumber, type Storage } from '../plan/storage.ts';
import { toBf16 } from '../plan/toBf16.ts';
import { fillStorage } from './fillStorage.ts';

/** All of an array in pieces of some size. */
function filled(array: HostArray, storage: Storage, pieceBytes: number): Uint8Array {
  const bytes = new Uint8Array(array.data.length * bytesPerNumber(storage));
  const fill = fillStorage(array, storage);
  for (let begin = 0; begin < bytes.length; begin += pieceBytes) {
    fill(new Uint8Array(bytes.buffer, begin, Math.min(pieceBytes, bytes.length - begin)), begin);
  }
  return bytes;
}

const shape = [5];
const arrays: Readonly<Record<string, HostArray>> = {
  float32: { dtype: 'float32', shape, data: Float32Array.of(1, -2.5, 0, 4, 1.00390625) },
  bfloat16: { dtype: 'bfloat16', shape, data: Uint16Array.of(0x3f80, 0xc020, 0, 0x4080, 0x3f81) },
  float16: { dtype: 'float16', shape, data: Uint16Array.of(0x3c00, 0xc100, 0, 0x4400, 0x3c04) },
  float64: { dtype: 'float64', shape, data: Float64Array.of(1, -2.5, 0, 4, 1.00390625) },
  int64: { dtype: 'int64', shape, data: BigInt64Array.of(1n, -2n, 0n, 4n, 5n) },
  int32: { dtype: 'int32', shape, data: Int32Array.of(1, -2, 0, 4, 5) },
  int8: { dtype: 'int8', shape, data: Int8Array.of(1, -2, 0, 4, 5) },
  bool: { dtype: 'bool', shape, data: Uint8Array.of(1, 0, 0, 1, 1) },
};
const stored = (name: string, storage: Storage) =>
  filled(arrays[name] as HostArray, storage, 4096).buffer as ArrayBuffer;

it('floats of any width become float32 or bfloat16, to the nearest even', () => {
  for (const name of ['float32', 'float16', 'float64']) {
    expect([name, ...new Float32Array(stored(name, 'f32'))]).toEqual([name, 1, -2.5, 0, 4, 1.00390625]);
    // 1.00390625 lies between two bfloat16 numbers, of which 1 is even.
    expect([name, ...new Uint16Array(stored(name, 'bf16'))]).toEqual([name, 0x3f80, 0xc020, 0, 0x4080, 0x3f80]);
  }
  expect([...new Float32Array(stored('bfloat16', 'f32'))]).toEqual([1, -2.5, 0, 4, 1.0078125]);
  expect([...new Uint16Array(stored('bfloat16', 'bf16'))]).toEqual([0x3f80, 0xc020, 0, 0x4080, 0x3f81]);
});

it('every number of 16 bits becomes bfloat16: its own bits, or those of the nearest', () => {
  const codes = Uint16Array.from({ length: 65536 }, (_, code) => code);
  const brain: HostArray = { dtype: 'bfloat16', shape: [65536], data: codes };
  // Widened and rounded again, a signalling NaN would be another.
  const firstOther = (array: HostArray, expected: Uint16Array) =>
    new Uint16Array(filled(array, 'bf16', 4096).buffer as ArrayBuffer).findIndex(
      (bits, code) => bits !== expected[code],
    );
  expect(firstOther(brain, codes)).toBe(-1);
  const half: HostArray = { dtype: 'float16', shape: [65536], data: codes };
  expect(firstOther(half, toBf16(toFloat32(half)))).toBe(-1);
});

it('integers of any width become int32, and flags bytes', () => {
  for (const name of ['int64', 'int32', 'int8']) {
    expect([name, ...new Int32Array(stored(name, 'i32'))]).toEqual([name, 1, -2, 0, 4, 5]);
  }
  expect([...new Uint8Array(stored('bool', 'u8'))]).toEqual([1, 0, 0, 1, 1]);
  expect([...new Uint8Array(stored('int32', 'u8'))]).toEqual([1, 1, 0, 1, 1]);
});

it('pieces of any size give the same as the whole', () => {
  const storages = {
    float32: ['f32', 'bf16'],
    bfloat16: ['f32', 'bf16'],
    float16: ['f32', 'bf16'],
    int64: ['i32'],
    bool: ['u8'],
  } as const;
  fc.assert(
    fc.property(
      fc.constantFrom(...(Object.keys(storages) as (keyof typeof storages)[])),
      fc.integer({ min: 1, max: 3 }),
      (name, pieces) => {
        for (const storage of storages[name]) {
          const array = arrays[name] as HostArray;
          expect(filled(array, storage, pieces * 4)).toEqual(filled(array, storage, 4096));
        }
      },
    ),
  );
});
