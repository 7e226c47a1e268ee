import { expect, test } from 'vitest';
import { cosineWithRestarts } from './cosineWithRestarts.ts';

test('restarts on the exact step, also where rounded fractions would miss it', () => {
  expect(49 * (1 / 49)).toBeLessThan(1);
  const schedule = cosineWithRestarts(2e-3, { cycles: 49 });
  const curve = Array.from({ length: 99 }, (_, step) => schedule(step, 98));
  expect(curve).toEqual(
    Array.from({ length: 99 }, (_, step) => {
      if (step === 98) return 0;
      return step % 2 === 0 ? 2e-3 : 1e-3;
    }).map((value) => expect.closeTo(value, 12)),
  );
});

test('ends at its end', () => {
  const schedule = cosineWithRestarts(1, { cycles: 2, end: 0.5 });
  expect([0, 5, 9, 10, 15, 20, 50].map((step) => schedule(step, 20))).toEqual([
    1,
    expect.closeTo(0.75, 12),
    expect.closeTo(0.5 + 0.25 * (1 + Math.cos(0.9 * Math.PI)), 12),
    1,
    expect.closeTo(0.75, 12),
    0.5,
    0.5,
  ]);
});
