import { sizeOf } from '@peft/core';
import { describe, expect, it } from 'vitest';
import type { Operand } from '../plan/operand.ts';
import { columnsOf } from '../plan/operand.ts';
import type { Storage } from '../plan/storage.ts';
import { resolveProducts } from './emitProduct.ts';
import type { Precision, ProductCall } from './emitter.ts';

const operand = (shape: readonly number[], storage: Storage = 'f32'): Operand => {
  const bytes = 4 * sizeOf(shape);
  return { shape, dtype: 'float32', storage, offset: 0, region: { kind: 'arena', bytes, label: `[${shape}]` } };
};

/** Converted copies are named by what they were. */
const emitter = (precision: Precision) => ({
  precision,
  stored: (each: Operand, storage: Storage): Operand =>
    each.storage === storage
      ? each
      : { ...each, storage, region: { ...each.region, label: `${each.region.label} ${storage}` } },
});

function resolve(call: ProductCall, precision: Precision = 'float32') {
  return resolveProducts(call, emitter(precision)).map(({ product, a, b, c, addend, bias }) => {
    const { rows, inner, columns, batch, tf32, alpha, accumulate } = product;
    const strides = (['a', 'b', 'c'] as const).map((name) => [product[name].rowStride, product[name].batchStride]);
    const places = [a, b, c, addend, bias].map(
      (each) => each && `${each.region.label} ${each.storage} at ${each.offset}`,
    );
    return { sizes: [rows, inner, columns, batch], strides, places, tf32, alpha, accumulate };
  });
}

describe('resolveProducts', () => {
  it('takes a stack by one matrix as one taller matrix', () => {
    const [found] = resolve({ a: operand([2, 3, 5, 4]), b: operand([4, 7]), c: operand([2, 3, 5, 7]) });
    expect(found?.sizes).toEqual([30, 4, 7, 1]);
    expect(found?.strides).toEqual([
      [4, 0],
      [7, 0],
      [7, 0],
    ]);
  });

  it('walks stacks in step, and stands still on a matrix that all share', () => {
    const stacks = resolve({
      a: operand([6, 4, 5]),
      b: operand([6, 7, 4]),
      c: operand([6, 5, 7]),
      transposeA: true,
      transposeB: true,
    });
    expect(stacks[0]).toMatchObject({
      sizes: [5, 4, 7, 6],
      strides: [
        [5, 20],
        [4, 28],
        [7, 35],
      ],
    });
    const shared = resolve({ a: operand([4, 5]), b: operand([6, 4, 7]), c: operand([6, 5, 7]), transposeA: true });
    expect(shared[0]).toMatchObject({
      sizes: [5, 4, 7, 6],
      strides: [
        [5, 0],
        [7, 28],
        [7, 35],
      ],
    });
    const turned = resolve({ a: operand([6, 4, 5]), b: operand([4, 7]), c: operand([6, 5, 7]), transposeA: true });
    expect(turned[0]).toMatchObject({
      sizes: [5, 4, 7, 6],
      strides: [
        [5, 20],
        [7, 0],
        [7, 35],
      ],
    });
  });

  it('writes stacks that repeat each other crosswise as products of their matrices', () => {
    const found = resolve({ a: operand([2, 1, 3, 4]), b: operand([1, 3, 4, 5]), c: operand([2, 3, 3, 5]) });
    expect(found.map(({ places }) => places.slice(0, 3))).toEqual(
      [0, 1].flatMap((row) =>
        [0, 1, 2].map((column) => [
          `[2,1,3,4] f32 at ${row * 48}`,
          `[1,3,4,5] f32 at ${column * 80}`,
          `[2,3,3,5] f32 at ${(row * 3 + column) * 60}`,
        ]),
      ),
    );
    expect(found.every(({ sizes }) => `${sizes}` === '3,4,5,1')).toBe(true);
  });

  it('reads and writes columns of wider matrices', () => {
    const [found] = resolve({
      a: columnsOf(operand([3, 8]), 2, 4),
      b: operand([4, 5]),
      c: columnsOf(operand([3, 9]), 1, 5),
    });
    expect(found?.sizes).toEqual([3, 4, 5, 1]);
    expect(found?.strides).toEqual([
      [8, 0],
      [5, 0],
      [9, 0],
    ]);
    expect(found?.places.slice(0, 3)).toEqual(['[3,8] f32 at 8', '[4,5] f32 at 0', '[3,9] f32 at 4']);
  });

  it('rounds what lies beside bf16, keeps two of f32 exact, and stores bias and addend as the result', () => {
    const call = { c: operand([3, 5], 'bf16'), bias: operand([5]), addend: operand([3, 5]), alpha: 2 };
    const [mixed] = resolve({ ...call, a: operand([3, 4], 'bf16'), b: operand([4, 5]) }, 'bf16');
    expect(mixed?.places).toEqual([
      '[3,4] bf16 at 0',
      '[4,5] bf16 bf16 at 0',
      '[3,5] bf16 at 0',
      '[3,5] bf16 bf16 at 0',
      '[5] bf16 bf16 at 0',
    ]);
    expect([mixed?.alpha, mixed?.accumulate, mixed?.tf32]).toEqual([2, true, false]);
    const [exact] = resolve({ a: operand([3, 4]), b: operand([4, 5]), c: operand([3, 5]) }, 'bf16');
    expect(exact?.places.slice(0, 2)).toEqual(['[3,4] f32 at 0', '[4,5] f32 at 0']);
    const [rounded] = resolve({ a: operand([3, 4]), b: operand([4, 5]), c: operand([3, 5]) }, 'tf32');
    expect(rounded).toMatchObject({ tf32: true, accumulate: false });
  });
});
