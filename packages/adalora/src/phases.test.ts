import fc from 'fast-check';
import { expect, test } from 'vitest';
import { phasesOf } from './phases.ts';

const open = { warmupSteps: undefined, finalSteps: undefined };

test('left open, the warm-up is a tenth and the final phase half of the rest', () => {
  expect(phasesOf(open, 100)).toEqual({ warmupSteps: 10, finalSteps: 45, lastPruning: 55 });
  expect(phasesOf(open, 1)).toEqual({ warmupSteps: 0, finalSteps: 0, lastPruning: 1 });
});

test('steps and shares of the life', () => {
  expect(phasesOf({ warmupSteps: 3, finalSteps: { fraction: 0.25 } }, 30)).toEqual({
    warmupSteps: 3,
    finalSteps: 7,
    lastPruning: 23,
  });
  expect(phasesOf({ ...open, finalSteps: 95 }, 100)).toEqual({ warmupSteps: 1, finalSteps: 95, lastPruning: 5 });
  expect(phasesOf({ ...open, warmupSteps: 90 }, 100)).toEqual({ warmupSteps: 90, finalSteps: 5, lastPruning: 95 });
});

test.each([
  [{ warmupSteps: 40, finalSteps: 60 }, 100, 'warmupSteps 40 and finalSteps 60 leave no step of a life of 100'],
  [{ warmupSteps: 120, finalSteps: undefined }, 100, 'warmupSteps 120 and finalSteps 0 leave no step of a life of 100'],
  [{ warmupSteps: undefined, finalSteps: 100 }, 100, 'warmupSteps 0 and finalSteps 100 leave no step of a life of 100'],
])('%o in %i steps is refused', (spans, totalSteps, said) => {
  expect(() => phasesOf(spans, totalSteps)).toThrow(
    `adalora: ${said} for the budget to fall; shorten them or train longer.`,
  );
});

test('what is left open always fits', () => {
  fc.assert(
    fc.property(fc.integer({ min: 1, max: 1e6 }), fc.integer({ min: 0, max: 100 }), (totalSteps, percent) => {
      const steps = Math.floor((percent / 100) * (totalSteps - 1));
      for (const spans of [open, { ...open, warmupSteps: steps }, { ...open, finalSteps: steps }]) {
        const { warmupSteps, finalSteps, lastPruning } = phasesOf(spans, totalSteps);
        expect(warmupSteps).toBeGreaterThanOrEqual(0);
        expect(finalSteps).toBeGreaterThanOrEqual(0);
        expect(lastPruning).toBe(totalSteps - finalSteps);
        expect(lastPruning).toBeGreaterThan(warmupSteps);
      }
    }),
    { seed: 303, verbose: true },
  );
});
