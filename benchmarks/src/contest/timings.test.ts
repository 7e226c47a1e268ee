import { expect, test } from 'vitest';
import { quantile, timingsOf } from './timings.ts';

test('median, best and interquartile range', () => {
  const { medianMs, bestMs, spreadMs } = timingsOf([30, 10, 20, 50, 40]);
  expect([medianMs, bestMs, spreadMs]).toEqual([30, 10, 20]);
  expect(timingsOf([7])).toMatchObject({ medianMs: 7, bestMs: 7, spreadMs: 0 });
});

test('a quantile lies between its neighbours', () => {
  expect(quantile([4, 1, 3, 2], 0.25)).toBe(1.75);
  expect(quantile([4, 1, 3, 2], 1)).toBe(4);
  expect(quantile([4, 1], 0)).toBe(1);
});
