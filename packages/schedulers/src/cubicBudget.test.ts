import fc from 'fast-check';
import { expect, test } from 'vitest';
import { cubicBudget } from './cubicBudget.ts';

test('falls from 108 to 72 ranks between updates 10 and 70 of 100', () => {
  const budget = cubicBudget({ initialBudget: 108, targetBudget: 72, warmupSteps: 10, finalSteps: 30 });
  const at = [10, 11, 12, 15, 20, 30, 40, 50, 60, 70, 71, 100].map((step) => budget(step, 100));
  expect(at).toEqual([108, 106, 104, 99, 92, 82, 76, 73, 72, 72, 72, 72]);
});

test('falls from 48 to 16 ranks between updates 100 and 800 of 1200', () => {
  const budget = cubicBudget({ initialBudget: 48, targetBudget: 16, warmupSteps: 100, finalSteps: 400 });
  const at = [0, 1, 100, 101, 110, 200, 300, 450, 600, 799, 800, 1200].map((step) => budget(step, 1200));
  expect(at).toEqual([48, 48, 48, 47, 46, 36, 27, 20, 16, 16, 16, 16]);
});

test('falls as Python PEFT does over two matrices in 20 updates', () => {
  const budget = cubicBudget({ initialBudget: 12, targetBudget: 4, warmupSteps: 3, finalSteps: 5 });
  const curve = Array.from({ length: 20 }, (_, index) => budget(index + 1, 20));
  expect(curve).toEqual([12, 12, 12, 10, 8, 7, 6, 5, 5, 4, 4, 4, 4, 4, 4, 4, 4, 4, 4, 4]);
});

test('starts at the initial budget, never rises, ends at the target, and is always a whole number', () => {
  const drawn = fc.tuple(
    fc.integer({ min: 0, max: 5000 }),
    fc.integer({ min: 0, max: 5000 }),
    fc.nat(50),
    fc.integer({ min: 1, max: 400 }),
    fc.nat(50),
  );
  fc.assert(
    fc.property(drawn, ([target, drop, warmupSteps, falling, finalSteps]) => {
      const initialBudget = Math.max(1, target + drop);
      const total = warmupSteps + falling + finalSteps;
      const budget = cubicBudget({ initialBudget, targetBudget: target, warmupSteps, finalSteps });
      const curve = Array.from({ length: total + 3 }, (_, step) => budget(step, total));
      expect(curve.slice(0, warmupSteps + 1).every((value) => value === initialBudget)).toBe(true);
      expect(curve.slice(total - finalSteps).every((value) => value === target)).toBe(true);
      expect(
        curve.every((value, index) => Number.isInteger(value) && value <= (curve[index - 1] ?? initialBudget)),
      ).toBe(true);
    }),
    { seed: 20_260, numRuns: 400, verbose: true },
  );
});
