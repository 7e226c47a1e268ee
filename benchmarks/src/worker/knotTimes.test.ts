import { expect, test } from 'vitest';
import { knotTimesOf } from './knotTimes.ts';

test('a knot costs what its step and the next take beyond two plain steps', () => {
  const times = Array.from({ length: 24 }, (_, index) => {
    if (index % 4 === 3) return 17;
    return index % 4 === 0 ? 12 : 10;
  });
  expect(knotTimesOf(times)).toEqual({ stepMs: 10, knotMs: 9, knots: [9, 9, 9, 9, 9] });
});
