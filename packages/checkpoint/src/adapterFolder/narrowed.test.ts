import { type HostArray, hostArray, isPeftError, toFloat32 } from '@peft/core';
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { type FloatDtype, narrowed } from './narrowed.ts';

const bitsOf = (values: readonly number[], dtype: FloatDtype) => {
  const array = narrowed(new Map([['w', hostArray(Float32Array.from(values))]]), dtype).get('w') as HostArray;
  expect(array).toMatchObject({ dtype, shape: [values.length] });
  return [...array.data] as number[];
};

it('rounds to the nearest, ties to even, with the bits that torch gives', () => {
  const half = [0, -0, 1, 1 + 2 ** -11, 1 + 3 * 2 ** -11, 65504, 65519.996, 2 ** -24, 2 ** -25, 3 * 2 ** -25, 2 ** -14];
  expect(bitsOf(half, 'float16')).toEqual([0, 0x8000, 0x3c00, 0x3c00, 0x3c02, 0x7bff, 0x7bff, 1, 0, 2, 0x400]);
  expect(bitsOf([NaN, Infinity, -Infinity], 'float16')).toEqual([0x7e00, 0x7c00, 0xfc00]);
  const brain = [1, 1 + 2 ** -8, 1 + 3 * 2 ** -8, -2.5, 3e38, 2 ** -133, 2 ** -149];
  expect(bitsOf(brain, 'bfloat16')).toEqual([0x3f80, 0x3f80, 0x3f82, 0xc020, 0x7f62, 1, 0]);
  expect(bitsOf([NaN, Infinity], 'bfloat16')).toEqual([0x7fc0, 0x7f80]);
});

describe.each(['float16', 'bfloat16'] as const)('%s', (dtype) => {
  it('keeps every value that it has', () => {
    const codes = Uint16Array.from({ length: 65536 }, (_, code) => code);
    const wide = toFloat32({ dtype, shape: [65536], data: codes });
    const again = narrowed(new Map([['w', hostArray(wide)]]), dtype).get('w')?.data as Uint16Array;
    const isNumber = (code: number) => !Number.isNaN(wide[code]);
    expect(again.filter((_, code) => isNumber(code))).toEqual(codes.filter(isNumber));
  });

  it('is never farther from a value than from either neighbour', () => {
    fc.assert(
      fc.property(fc.float({ noNaN: true, min: -60000, max: 60000 }), (value) => {
        const [code = 0] = bitsOf([value], dtype);
        const read = (bits: number) => toFloat32({ dtype, shape: [1], data: Uint16Array.of(bits) })[0] as number;
        const distance = Math.abs(read(code) - value);
        for (const near of [code - 1, code + 1].filter((bits) => (bits & 0x7fff) < 0x7c00 && bits >= 0)) {
          expect(distance).toBeLessThanOrEqual(Math.abs(read(near) - value));
        }
      }),
    );
  });
});

it('leaves float32 and integers as they are, and refuses values beyond the range', () => {
  const tensors = new Map([
    ['ids', hostArray(Int32Array.of(1, 2))],
    ['w', hostArray([1e6, 1, -7e4])],
  ]);
  expect(narrowed(tensors, 'float32')).toEqual(tensors);
  expect(narrowed(tensors, 'bfloat16').get('ids')).toBe(tensors.get('ids'));
  const refusal = (dtype: FloatDtype, value: number) => {
    try {
      narrowed(new Map([...tensors, ['w', hostArray([value, 1, -value])]]), dtype);
    } catch (error) {
      if (isPeftError(error)) return `${error.code}: ${error.message}`;
      throw error;
    }
    return 'none';
  };
  expect(refusal('float16', 1e6)).toMatchInlineSnapshot(`
    "checkpoint/overflow: these tensors have values beyond the range of float16, which would become infinite; write them as bfloat16 or float32:
      "w": 2 of 3 values"
  `);
  expect(refusal('bfloat16', 3.4e38)).toMatchInlineSnapshot(`
    "checkpoint/overflow: these tensors have values beyond the range of bfloat16, which would become infinite; write them as float32:
      "w": 2 of 3 values"
  `);
});
