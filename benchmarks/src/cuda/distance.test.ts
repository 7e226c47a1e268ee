import { expect, test } from 'vitest';
import { cosine, relativeDistance } from './distance.ts';

test('a distance is relative to the norm of what is expected', () => {
  expect(relativeDistance([3, 4], [3, 4])).toBe(0);
  expect(relativeDistance([3, 4.5], [3, 4])).toBeCloseTo(0.1, 10);
  expect(relativeDistance([Number.NaN, 1], [Number.NaN, 1])).toBe(0);
  expect(relativeDistance([0, 0], [0, 0])).toBe(0);
});

test.each([
  [
    [1, 2, 3],
    [1, 2],
  ],
  [[Number.NaN], [1]],
  [[1], [Number.NaN]],
  [[1], [0]],
  [[Number.POSITIVE_INFINITY], [1]],
])('%j is infinitely far from %j', (found, expected) => {
  expect(relativeDistance(found, expected)).toBe(Number.POSITIVE_INFINITY);
});

test('a cosine', () => {
  expect(cosine([1, 0], [1, 1])).toBeCloseTo(Math.SQRT1_2, 12);
  expect(cosine([0, 0], [0, 0])).toBe(1);
  expect(cosine([2, 4], [1, 2])).toBeCloseTo(1, 12);
});
