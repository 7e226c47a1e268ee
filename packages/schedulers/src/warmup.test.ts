import { expect, test } from 'vitest';
import { constant } from './constant.ts';
import { linear } from './linear.ts';
import { warmup } from './warmup.ts';

test('the schedule inside sees the remaining span', () => {
  const curve = Array.from({ length: 8 }, (_, step) => warmup(2, linear(4))(step, 6));
  expect(curve).toEqual([0, 2, 4, 3, 2, 1, 0, 0]);
});

test('a fraction of the run is rounded up to whole steps', () => {
  const schedule = warmup({ fraction: 0.25 }, constant(3));
  expect([0, 1, 2, 3].map((step) => schedule(step, 9))).toEqual([0, 1, 2, 3]);
});

test('no warm-up is the schedule itself, and a warm-up may fill the run', () => {
  expect([0, 1, 2].map((step) => warmup(0, linear(2))(step, 2))).toEqual([2, 1, 0]);
  expect([0, 1, 2].map((step) => warmup(3, constant(3))(step, 3))).toEqual([0, 1, 2]);
});
