import { expect, test } from 'vitest';
import { slopeOf } from './slopeOf.ts';

test('the slope of points on a line, and of points around one', () => {
  const line = [1, 2, 5].map((x) => [x, 3 * x - 4] as const);
  expect(slopeOf(line)).toBeCloseTo(3, 12);
  expect(
    slopeOf([
      [0, 1],
      [1, 0],
      [2, 1],
      [3, 4],
    ]),
  ).toBeCloseTo(1, 12);
});
