import { expect, test } from 'vitest';
import { constant } from './constant.ts';
import { cosine } from './cosine.ts';
import { linear } from './linear.ts';
import { oneCycle } from './oneCycle.ts';
import { perLink } from './perLink.ts';
import { piecewise } from './piecewise.ts';
import { polynomial } from './polynomial.ts';

test('a span of its own makes a schedule blind to the length of the run', () => {
  for (const make of [linear, cosine, polynomial, oneCycle]) {
    const schedule = make(1, { steps: 10 });
    const whole = make(1);
    for (const step of [0, 3, 9, 10, 25]) expect(schedule(step, 1000)).toBe(whole(step, 10));
  }
});

test('pieces end at steps or at fractions of the run', () => {
  const schedule = piecewise([
    { until: 2, schedule: linear(2) },
    { until: { fraction: 0.5 }, schedule: constant(5) },
    { schedule: linear(4) },
  ]);
  expect([0, 1, 2, 3, 4, 5, 6, 7, 8, 20].map((step) => schedule(step, 8))).toEqual([2, 1, 5, 5, 4, 3, 2, 1, 0, 0]);
});

test('links of even or given lengths each run the schedule from its start', () => {
  const even = perLink(linear(3), { links: 2 });
  expect([0, 1, 2, 3, 4, 5, 6, 9].map((step) => even(step, 6))).toEqual([3, 2, 1, 3, 2, 1, 0, 0]);
  const uneven = perLink((_, length) => length, { links: 3 });
  expect(Array.from({ length: 10 }, (_, step) => uneven(step, 10))).toEqual([3, 3, 3, 3, 3, 3, 4, 4, 4, 4]);
  const given = perLink(linear(1), { steps: [1, 2, 4] });
  expect([0, 1, 2, 3, 4, 5, 6].map((step) => given(step, 7))).toEqual([1, 1, 0.5, 1, 0.75, 0.5, 0.25]);
});
