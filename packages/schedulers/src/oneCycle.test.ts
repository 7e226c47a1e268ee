import { expect, test } from 'vitest';
import { oneCycle } from './oneCycle.ts';

test('a rise of one update starts at the top, where torch divides by zero', () => {
  const schedule = oneCycle(1, { pctStart: 0.1, anneal: 'linear' });
  expect(schedule(0, 10)).toBe(1);
  expect(schedule(9, 10)).toBeCloseTo(4e-6, 12);
});

test('stays at the last rate after the span', () => {
  for (const step of [99, 100, 101, 10_000]) expect(oneCycle(1, { anneal: 'linear' })(step, 100)).toBeCloseTo(4e-6, 12);
});
