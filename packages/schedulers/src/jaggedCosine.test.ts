import fc from 'fast-check';
import { expect, test } from 'vitest';
import { cosine } from './cosine.ts';
import { jaggedCosine } from './jaggedCosine.ts';
import { warmup } from './warmup.ts';

const relative = 1e-12;

test('drops to 0 at every restart and climbs back to the cosine', () => {
  const schedule = jaggedCosine(1, { cycleLength: 25, restartWarmupSteps: 5 });
  const smooth = (step: number) => (1 + Math.cos((Math.PI * step) / 100)) / 2;
  const curve = Array.from({ length: 101 }, (_, step) => schedule(step, 100));
  const expected = Array.from({ length: 101 }, (_, step) => {
    const since = step % 25;
    return step < 25 || since >= 5 ? smooth(step) : (since / 5) * smooth(step - since + 5);
  });
  expect([curve[0], curve[25], curve[50], curve[75], curve[100]]).toEqual([1, 0, 0, 0, 0]);
  for (const [step, value] of curve.entries()) expect(value).toBeCloseTo(expected[step] ?? Number.NaN, 14);
  // Half-way up after the first restart, at step 27.5's neighbours: 2/5 and 3/5 of cos^2(pi * 30 / 200) = 0.793893.
  expect(curve[27]).toBeCloseTo(0.4 * 0.7938926, 7);
  expect(curve[28]).toBeCloseTo(0.6 * 0.7938926, 7);
});

test('drops to a part of the rate it climbs back to', () => {
  const schedule = jaggedCosine(1, { cycleLength: 50, restartWarmupSteps: 10, restartRatio: 0.25, minimumRatio: 0.1 });
  const peak = 0.1 + 0.9 * 0.5 * (1 + Math.cos(Math.PI * 0.6));
  expect(schedule(50, 100)).toBeCloseTo(0.25 * peak, 14);
  expect(schedule(55, 100)).toBeCloseTo(0.625 * peak, 14);
  expect(schedule(60, 100)).toBeCloseTo(peak, 14);
  expect(schedule(99, 100)).toBeCloseTo(0.1 + 0.9 * 0.5 * (1 + Math.cos(Math.PI * 0.99)), 14);
});

test('restarts of no length leave the cosine as it is', () => {
  const schedule = jaggedCosine(3e-4, { cycleLength: 10, restartWarmupSteps: 0 });
  for (const step of [0, 9, 10, 11, 40, 60]) expect(schedule(step, 60)).toBe(cosine(3e-4)(step, 60));
});

test('is the warmed-up cosine except in the steps after a restart, where it lies below', () => {
  const drawn = fc.tuple(fc.integer({ min: 2, max: 60 }), fc.nat(59), fc.nat(60), fc.integer({ min: 1, max: 300 }));
  fc.assert(
    fc.property(drawn, ([cycleLength, restart, first, more]) => {
      const warmupSteps = Math.min(first, cycleLength);
      const restartWarmupSteps = restart % cycleLength;
      const total = warmupSteps + more;
      const schedule = jaggedCosine(1, { cycleLength, warmupSteps, restartWarmupSteps, minimumRatio: 0.2 });
      const envelope = warmup(warmupSteps, cosine(1, { end: 0.2 }));
      for (let step = 0; step < total; step += 1) {
        const [found, above] = [schedule(step, total), envelope(step, total)];
        const isRestarting = step >= cycleLength && step % cycleLength < restartWarmupSteps;
        if (isRestarting) expect(found).toBeLessThanOrEqual(above * (1 + relative));
        else expect(Math.abs(found - above)).toBeLessThanOrEqual(relative);
        if (isRestarting && step % cycleLength === 0) expect(found).toBe(0);
      }
    }),
    { seed: 20_260, numRuns: 200, verbose: true },
  );
});
