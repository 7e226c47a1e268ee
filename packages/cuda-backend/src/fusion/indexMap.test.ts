import { sizeOf } from '@peft/core';
import fc from 'fast-check';
import { expect, it } from 'vitest';
import {
  broadcastMap,
  composed,
  denseStrides,
  type IndexMap,
  identityMap,
  keyOfMap,
  mapOf,
  placeText,
  type Stride,
  splitAt,
} from './indexMap.ts';

/** Where number `index` comes from, coordinate by coordinate. */
function placeOf({ axes, offset }: IndexMap, index: number): number {
  let [place, rest] = [offset, index];
  for (const { length, step } of axes.toReversed()) {
    place += (rest % length) * step;
    rest = Math.floor(rest / length);
  }
  return place;
}

function places(map: IndexMap, size: number): number[] {
  return Array.from({ length: size }, (_, index) => placeOf(map, index));
}

const shapes = fc.array(fc.integer({ min: 1, max: 4 }), { minLength: 1, maxLength: 4 });

/** A tensor read transposed, or with some axes of length 1 repeated. */
const reads = shapes.chain((shape) => {
  const axes = shape.map((_, axis) => axis);
  return fc.record({
    from: fc.constant(shape),
    order: fc.shuffledSubarray(axes, { minLength: axes.length }),
    repeated: fc.subarray(axes),
  });
});

function readOf({ from, order, repeated }: { from: readonly number[]; order: number[]; repeated: number[] }) {
  const source = from.map((length, axis) => (repeated.includes(axis) ? 1 : length));
  const strides = denseStrides(source);
  const steps = order.map((axis) => ({
    length: from[axis] as number,
    step: repeated.includes(axis) ? 0 : (strides[axis] as Stride).step,
  }));
  return { map: mapOf(steps), source, shape: order.map((axis) => from[axis] as number) };
}

it('reads what is broadcast as tfjs does', () => {
  expect(places(broadcastMap([2, 1], [3, 2, 2]), 12)).toEqual([0, 0, 1, 1, 0, 0, 1, 1, 0, 0, 1, 1]);
  expect(places(broadcastMap([], [2, 2]), 4)).toEqual([0, 0, 0, 0]);
  expect(keyOfMap(broadcastMap([4, 1, 3], [4, 1, 3]))).toBe(keyOfMap(identityMap(12)));
});

it('composes two reads as one after the other, or not at all', () => {
  let count = 0;
  fc.assert(
    fc.property(reads, reads, (first, second) => {
      const inner = readOf(first);
      // The outer read sees what the inner one makes under a shape of as many numbers.
      const outer = readOf({ ...second, repeated: [] });
      fc.pre(sizeOf(outer.shape) === sizeOf(inner.shape));
      const both = composed(outer.map, inner.map);
      if (!both) return;
      count++;
      const size = sizeOf(inner.shape);
      expect(places(both, size)).toEqual(places(outer.map, size).map((index) => placeOf(inner.map, index)));
    }),
    { numRuns: 400 },
  );
  expect(count).toBeGreaterThan(30);
});

it('splits a map into rows and their numbers', () => {
  fc.assert(
    fc.property(reads, fc.integer({ min: 1, max: 16 }), (read, width) => {
      const { map, shape } = readOf(read);
      const size = sizeOf(shape);
      fc.pre(size % width === 0);
      const parts = splitAt(width, map);
      if (!parts) return;
      const [outer, inner] = parts;
      const joined = Array.from(
        { length: size },
        (_, index) => placeOf(outer, Math.floor(index / width)) + placeOf(inner, index % width),
      );
      expect(joined).toEqual(places(map, size));
    }),
    { numRuns: 400 },
  );
});

it('writes C++ that computes the same places', () => {
  fc.assert(
    fc.property(reads, fc.nat(5), (read, offset) => {
      const { map, shape } = readOf(read);
      const moved = { ...map, offset };
      const text = placeText(moved, '(index + 0)').replace(/\d+/g, (digits) => `${digits}n`);
      // Division of integers, as C++ has it.
      const run = new Function('index', `return Number(${text})`) as (index: bigint) => number;
      const size = sizeOf(shape);
      expect(Array.from({ length: size }, (_, index) => run(BigInt(index)))).toEqual(places(moved, size));
    }),
  );
});
