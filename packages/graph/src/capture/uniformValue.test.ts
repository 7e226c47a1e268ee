import fc from 'fast-check';
import { expect, it } from 'vitest';
import { uniformValue } from './uniformValue.ts';

it('is the number an array is full of', () => {
  expect(uniformValue(new Float32Array(5000).fill(0.1))).toBe(Math.fround(0.1));
  expect(uniformValue(Float32Array.of(Number.NaN, Number.NaN))).toBeNaN();
  expect(uniformValue([])).toBe(0);
});

it('is undefined as soon as one value differs, a zero of the other sign too', () => {
  expect(uniformValue(Float32Array.of(0, -0))).toBeUndefined();
  fc.assert(
    fc.property(fc.integer({ min: 2, max: 300 }), fc.nat(299), (length, place) => {
      const values = new Float32Array(length).fill(2);
      values[place % length] = 3;
      expect(uniformValue(values)).toBeUndefined();
    }),
  );
});
