import { expect, test } from 'vitest';
import { mean, median, pairedDifference, standardDeviation } from './summary.ts';

test('mean, spread and middle of a sample', () => {
  expect(mean([1, 2, 6])).toBe(3);
  expect(standardDeviation([2, 4, 4, 4, 5, 5, 7, 9])).toBeCloseTo(Math.sqrt(32 / 7), 12);
  expect(standardDeviation([3])).toBe(0);
  expect(median([9, 1, 5])).toBe(5);
  expect(median([4, 1, 9, 2])).toBe(3);
});

test('a paired difference has the standard error of the differences, not of the samples', () => {
  const { mean: difference, standardError, wins, pairs } = pairedDifference([5, 7, 4], [4, 5, 5]);
  expect(difference).toBeCloseTo(2 / 3, 12);
  expect(standardError).toBeCloseTo(Math.sqrt(7 / 3) / Math.sqrt(3), 12);
  expect([wins, pairs]).toEqual([2, 3]);
});
