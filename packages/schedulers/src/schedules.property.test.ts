import fc from 'fast-check';
import { expect, test } from 'vitest';
import { constant } from './constant.ts';
import { cosine } from './cosine.ts';
import { cosineWithRestarts } from './cosineWithRestarts.ts';
import { exponential } from './exponential.ts';
import { inverseSquareRoot } from './inverseSquareRoot.ts';
import { jaggedCosine } from './jaggedCosine.ts';
import { linear } from './linear.ts';
import { oneCycle } from './oneCycle.ts';
import { perLink } from './perLink.ts';
import { piecewise } from './piecewise.ts';
import { polynomial } from './polynomial.ts';
import type { Schedule } from './schedule.ts';
import { warmup } from './warmup.ts';

const seed = 20_260;
const check = <T>(drawn: fc.Arbitrary<T>, law: (value: T) => void) =>
  fc.assert(fc.property(drawn, law), { seed, numRuns: 400, verbose: true });

const rate = fc.oneof(fc.double({ min: 0, max: 1, noNaN: true }), fc.constantFrom(0, 5e-4, Number.MAX_VALUE));
const positive = fc.oneof(fc.double({ min: 1e-3, max: 1e3, noNaN: true }), fc.constantFrom(1e-300, 1e300));
const fraction = fc.double({ min: 0, max: 1, noNaN: true });
const count = fc.integer({ min: 1, max: 500 });

const simple: Readonly<Record<string, fc.Arbitrary<Schedule>>> = {
  constant: rate.map(constant),
  linear: fc.tuple(rate, rate).map(([lr, end]) => linear(lr, { end })),
  'linear over its own span': fc.tuple(rate, rate, count).map(([lr, end, steps]) => linear(lr, { end, steps })),
  cosine: fc.tuple(rate, rate, positive).map(([lr, end, cycles]) => cosine(lr, { end, cycles })),
  cosineWithRestarts: fc
    .tuple(rate, rate, fc.integer({ min: 1, max: 90 }))
    .map(([lr, end, cycles]) => cosineWithRestarts(lr, { end, cycles })),
  polynomial: fc.tuple(rate, fraction, positive).map(([lr, part, power]) => polynomial(lr, { end: lr * part, power })),
  inverseSquareRoot: fc
    .tuple(rate, fc.integer({ min: 0, max: 100 }), positive)
    .map(([lr, warmupSteps, timescale]) => inverseSquareRoot(lr, { warmupSteps, timescale })),
  exponential: fc
    .tuple(rate, fc.double({ min: 0, max: 1, minExcluded: true, noNaN: true }))
    .map(([lr, gamma]) => exponential(lr, { gamma })),
  oneCycle: fc
    .record({
      pctStart: fc.double({ min: 0, max: 0.5, noNaN: true }),
      divFactor: fc.double({ min: 1, max: 1e6, noNaN: true }),
      finalDivFactor: fc.double({ min: 1, max: 1e6, noNaN: true }),
      anneal: fc.constantFrom('cos' as const, 'linear' as const),
      threePhase: fc.boolean(),
      lr: rate,
    })
    .map(({ lr, ...options }) => oneCycle(lr, options)),
};
const anySimple = fc.oneof(...Object.values(simple));
const wrapped: Readonly<Record<string, fc.Arbitrary<Schedule>>> = {
  warmup: fc.tuple(fraction, anySimple).map(([part, inner]) => warmup({ fraction: part }, inner)),
  piecewise: fc
    .array(fc.tuple(fraction, anySimple), { minLength: 1, maxLength: 4 })
    .map((drawn) => drawn.toSorted(([a], [b]) => a - b))
    .map((pieces) => piecewise(pieces.map(([part, schedule]) => ({ until: { fraction: part }, schedule })))),
  'warmup of perLink': fc.tuple(anySimple, fraction).map(([inner, part]) => {
    return warmup({ fraction: part / 2 }, (step, total) =>
      perLink(inner, { links: Math.min(3, total || 1) })(step, total || 1),
    );
  }),
  jaggedCosine: fc
    .tuple(rate, count, fraction, fraction, fraction, fraction)
    .map(([lr, cycleLength, restartPart, minimumRatio, restartRatio]) => {
      const restartWarmupSteps = Math.floor(restartPart * (cycleLength - 1));
      return jaggedCosine(lr, { cycleLength, restartWarmupSteps, minimumRatio, restartRatio });
    }),
};

test.each(Object.entries({ ...simple, ...wrapped }))(
  '%s is finite and at least 0 at every step, also past the end',
  (_, schedules) => {
    const steps = fc.oneof(fc.integer({ min: 0, max: 1000 }), fc.integer({ min: 0, max: 2 ** 40 }));
    check(fc.tuple(schedules, count, steps), ([schedule, totalSteps, drawn]) => {
      for (const step of [drawn, 0, totalSteps - 1, totalSteps, totalSteps + 1]) {
        const value = schedule(step, totalSteps);
        expect(Number.isFinite(value) && value >= 0, `step ${step} of ${totalSteps}: ${value}`).toBe(true);
      }
    });
  },
);

test('a warm-up rises in equal parts from 0 to the first value of its schedule, then is that schedule', () => {
  check(fc.tuple(anySimple, count, count, fc.nat(600)), ([inner, steps, remaining, after]) => {
    const schedule = warmup(steps, inner);
    const total = steps + remaining;
    const first = inner(0, remaining);
    for (const step of [0, 1, Math.floor(steps / 2), steps - 1]) {
      expect(schedule(step, total)).toBe(first * (step / steps));
    }
    expect(schedule(steps, total)).toBe(first);
    expect(schedule(steps + after, total)).toBe(inner(after, remaining));
  });
});

test('perLink runs its schedule afresh in every link', () => {
  check(fc.tuple(anySimple, fc.array(count, { minLength: 1, maxLength: 6 })), ([inner, steps]) => {
    const total = steps.reduce((sum, length) => sum + length, 0);
    const schedule = perLink(warmup({ fraction: 0.1 }, inner), { steps });
    const afresh = steps.flatMap((length) =>
      Array.from({ length }, (_, step) => warmup({ fraction: 0.1 }, inner)(step, length)),
    );
    expect(Array.from({ length: total }, (_, step) => schedule(step, total))).toEqual(afresh);
  });
});

test('perLink by number cuts the run into links that differ by at most a step', () => {
  check(fc.tuple(fc.integer({ min: 1, max: 12 }), fc.nat(300)), ([links, more]) => {
    const total = links + more;
    const lengths = new Map<number, number>();
    let link = -1;
    const record: Schedule = (step, length) => {
      if (step === 0) link += 1;
      lengths.set(link, length);
      return step;
    };
    const schedule = perLink(record, { links });
    for (let step = 0; step < total; step += 1) schedule(step, total);
    const found = [...lengths.values()];
    expect(found.length).toBe(links);
    expect(found.reduce((sum, length) => sum + length, 0)).toBe(total);
    expect(Math.max(...found) - Math.min(...found)).toBeLessThanOrEqual(1);
  });
});

test('piecewise is each piece with its own clock', () => {
  check(fc.array(fc.tuple(anySimple, count), { minLength: 1, maxLength: 5 }), (drawn) => {
    const ends = drawn.map((_, index) => drawn.slice(0, index + 1).reduce((sum, [, length]) => sum + length, 0));
    const total = ends.at(-1) ?? 0;
    const schedule = piecewise(drawn.map(([inner], index) => ({ until: ends[index], schedule: inner })));
    const alone = drawn.flatMap(([inner, length]) => Array.from({ length }, (_, step) => inner(step, length)));
    expect(Array.from({ length: total }, (_, step) => schedule(step, total))).toEqual(alone);
  });
});
