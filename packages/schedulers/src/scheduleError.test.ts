import { expect, test } from 'vitest';
import { constant } from './constant.ts';
import { cosine } from './cosine.ts';
import { cosineWithRestarts } from './cosineWithRestarts.ts';
import { cubicBudget } from './cubicBudget.ts';
import { exponential } from './exponential.ts';
import { inverseSquareRoot } from './inverseSquareRoot.ts';
import { jaggedCosine } from './jaggedCosine.ts';
import { linear } from './linear.ts';
import { oneCycle } from './oneCycle.ts';
import { perLink } from './perLink.ts';
import { piecewise } from './piecewise.ts';
import { polynomial } from './polynomial.ts';
import type { Schedule } from './schedule.ts';
import { ScheduleError } from './scheduleError.ts';
import type { Span } from './span.ts';
import { warmup } from './warmup.ts';

function thrown(act: () => unknown): unknown {
  try {
    act();
  } catch (error) {
    return error;
  }
  throw new Error('nothing was thrown');
}

const flat = constant(1);
const jagged = { cycleLength: 10, restartWarmupSteps: 2 };
const budget = { initialBudget: 12, targetBudget: 4, warmupSteps: 3, finalSteps: 5 };

const options: readonly (readonly [() => unknown, string])[] = [
  [() => constant(-0.1), 'constant: lr is -0.1; give a finite number of at least 0.'],
  [() => constant(Number.NaN), 'constant: lr is NaN; give a finite number of at least 0.'],
  [() => constant('5e-4' as unknown as number), 'constant: lr is "5e-4"; give a finite number of at least 0.'],
  [() => constant(flat as unknown as number), 'constant: lr is a function; give a finite number of at least 0.'],
  [() => constant({} as unknown as number), 'constant: lr is an object; give a finite number of at least 0.'],
  [() => constant([] as unknown as number), 'constant: lr is an array; give a finite number of at least 0.'],
  [() => linear(Number.POSITIVE_INFINITY), 'linear: lr is Infinity; give a finite number of at least 0.'],
  [() => linear(1, { end: -1 }), 'linear: end is -1; give a finite number of at least 0.'],
  [() => linear(1, { steps: 0 }), 'linear: steps is 0; give a whole number of at least 1.'],
  [
    () => linear(-1, { end: Number.NaN, steps: 2.5 }),
    'linear:\n- lr is -1; give a finite number of at least 0.\n- end is NaN; give a finite number of at least 0.' +
      '\n- steps is 2.5; give a whole number of at least 1.',
  ],
  [() => cosine(-1), 'cosine: lr is -1; give a finite number of at least 0.'],
  [() => cosine(1, { end: -1 }), 'cosine: end is -1; give a finite number of at least 0.'],
  [() => cosine(1, { cycles: 0 }), 'cosine: cycles is 0; give a finite number above 0.'],
  [() => cosine(1, { steps: -3 }), 'cosine: steps is -3; give a whole number of at least 1.'],
  [() => cosineWithRestarts(-1, { cycles: 1 }), 'cosineWithRestarts: lr is -1; give a finite number of at least 0.'],
  [() => cosineWithRestarts(1, { cycles: 0 }), 'cosineWithRestarts: cycles is 0; give a whole number of at least 1.'],
  [
    () => cosineWithRestarts(1, { cycles: 1, end: -1 }),
    'cosineWithRestarts: end is -1; give a finite number of at least 0.',
  ],
  [
    () => cosineWithRestarts(1, { cycles: 2, steps: 0.5 }),
    'cosineWithRestarts: steps is 0.5; give a whole number of at least 1.',
  ],
  [() => polynomial(-1), 'polynomial: lr is -1; give a finite number of at least 0.'],
  [() => polynomial(1, { end: -1 }), 'polynomial: end is -1; give a finite number of at least 0.'],
  [() => polynomial(1e-8), 'polynomial: end 1e-7 is above lr 1e-8; lower end or raise lr.'],
  [() => polynomial(1, { power: 0 }), 'polynomial: power is 0; give a finite number above 0.'],
  [() => polynomial(1, { steps: 0 }), 'polynomial: steps is 0; give a whole number of at least 1.'],
  [() => inverseSquareRoot(-1), 'inverseSquareRoot: lr is -1; give a finite number of at least 0.'],
  [
    () => inverseSquareRoot(1, { warmupSteps: 0.1 }),
    'inverseSquareRoot: warmupSteps is 0.1; give a whole number of at least 0.',
  ],
  [() => inverseSquareRoot(1, { timescale: 0 }), 'inverseSquareRoot: timescale is 0; give a finite number above 0.'],
  [() => exponential(-1, { gamma: 0.9 }), 'exponential: lr is -1; give a finite number of at least 0.'],
  [() => exponential(1, { gamma: 1.01 }), 'exponential: gamma is 1.01; give a finite number above 0 and at most 1.'],
  [() => oneCycle(-1), 'oneCycle: lr is -1; give a finite number of at least 0.'],
  [() => oneCycle(1, { pctStart: 30 }), 'oneCycle: pctStart is 30; give a finite number of at least 0 and at most 1.'],
  [
    () => oneCycle(1, { pctStart: 0.6, threePhase: true }),
    'oneCycle: pctStart is 0.6; give a finite number of at least 0 and at most 0.5.',
  ],
  [() => oneCycle(1, { divFactor: 0 }), 'oneCycle: divFactor is 0; give a finite number above 0.'],
  [() => oneCycle(1, { finalDivFactor: -1 }), 'oneCycle: finalDivFactor is -1; give a finite number above 0.'],
  [
    () => oneCycle(1, { divFactor: 1e-309 }),
    'oneCycle: the first rate, lr / divFactor, is Infinity; give factors that keep it finite.',
  ],
  [
    () => oneCycle(1, { divFactor: 1e-200, finalDivFactor: 1e-200 }),
    'oneCycle: the last rate, lr / divFactor / finalDivFactor, is Infinity; give factors that keep it finite.',
  ],
  [() => oneCycle(1, { anneal: 'cosine' as 'cos' }), "oneCycle: anneal is \"cosine\"; give 'cos' or 'linear'."],
  [() => oneCycle(1, { steps: 0 }), 'oneCycle: steps is 0; give a whole number of at least 1.'],
  [() => warmup(0.1, flat), 'warmup: the span is 0.1; give a whole number of at least 0, or { fraction } of the run.'],
  [
    () => warmup(null as unknown as Span, flat),
    'warmup: the span is null; give a whole number of at least 0, or { fraction } of the run.',
  ],
  [
    () => warmup({ fraction: 1.5 }, flat),
    'warmup: fraction of the span is 1.5; give a finite number of at least 0 and at most 1.',
  ],
  [
    () => warmup(10, 5e-4 as unknown as Schedule),
    'warmup: the schedule is not a function; give a schedule such as linear(5e-4).',
  ],
  [() => piecewise([]), 'piecewise: there are no pieces; give at least one { until, schedule }.'],
  [
    () => piecewise([{ schedule: flat }, { until: -1, schedule: 1 as unknown as Schedule }]),
    'piecewise:\n- piece 0 has no until; only the last piece may leave it out.' +
      '\n- the schedule of piece 1 is not a function; give a schedule such as linear(5e-4).' +
      '\n- until of piece 1 is -1; give a whole number of at least 0, or { fraction } of the run.',
  ],
  [() => jaggedCosine(-1, jagged), 'jaggedCosine: lr is -1; give a finite number of at least 0.'],
  [
    () => jaggedCosine(1, { cycleLength: 0, restartWarmupSteps: 0 }),
    'jaggedCosine: cycleLength is 0; give a whole number of at least 1.',
  ],
  [
    () => jaggedCosine(1, { ...jagged, warmupSteps: -1 }),
    'jaggedCosine: warmupSteps is -1; give a whole number of at least 0.',
  ],
  [
    () => jaggedCosine(1, { ...jagged, warmupSteps: 11 }),
    'jaggedCosine: warmupSteps 11 is above cycleLength 10; warm up within the first cycle.',
  ],
  [
    () => jaggedCosine(1, { ...jagged, restartWarmupSteps: 1.5 }),
    'jaggedCosine: restartWarmupSteps is 1.5; give a whole number of at least 0.',
  ],
  [
    () => jaggedCosine(1, { ...jagged, restartWarmupSteps: 10 }),
    'jaggedCosine: restartWarmupSteps 10 is not below cycleLength 10; leave steps on the cosine.',
  ],
  [
    () => jaggedCosine(1, { ...jagged, minimumRatio: 2 }),
    'jaggedCosine: minimumRatio is 2; give a finite number of at least 0 and at most 1.',
  ],
  [
    () => jaggedCosine(1, { ...jagged, restartRatio: -0.5 }),
    'jaggedCosine: restartRatio is -0.5; give a finite number of at least 0 and at most 1.',
  ],
  [() => perLink(flat, { links: 0 }), 'perLink: links is 0; give a whole number of at least 1.'],
  [() => perLink(flat, { steps: [] }), 'perLink: steps is empty; give the length of at least one link.'],
  [() => perLink(flat, { steps: [5, 0] }), 'perLink: steps[1] is 0; give a whole number of at least 1.'],
  [
    () => perLink(undefined as unknown as Schedule, { links: 2 }),
    'perLink: the schedule is not a function; give a schedule such as linear(5e-4).',
  ],
  [
    () => cubicBudget({ ...budget, targetBudget: 13 }),
    'cubicBudget: targetBudget 13 is above initialBudget 12; a budget can only fall.',
  ],
  [
    () => cubicBudget({ initialBudget: 0.5, targetBudget: -1, warmupSteps: -1, finalSteps: Number.NaN }),
    'cubicBudget:\n- initialBudget is 0.5; give a whole number of at least 1.' +
      '\n- targetBudget is -1; give a whole number of at least 0.' +
      '\n- warmupSteps is -1; give a whole number of at least 0.' +
      '\n- finalSteps is NaN; give a whole number of at least 0.',
  ],
];

const spans: readonly (readonly [() => unknown, string])[] = [
  [() => linear(1)(0, Number.NaN), 'linear: totalSteps is NaN; give a whole number of at least 0.'],
  [() => linear(1)(0, Number.POSITIVE_INFINITY), 'linear: totalSteps is Infinity; give a whole number of at least 0.'],
  [
    () => cosine(1)(0, undefined as unknown as number),
    'cosine: totalSteps is undefined; give a whole number of at least 0.',
  ],
  [
    () => warmup(11, flat)(0, 10),
    'warmup: 11 steps of warm-up do not fit in a run of 10; shorten the warm-up or train longer.',
  ],
  [
    () => jaggedCosine(1, { ...jagged, warmupSteps: 8 })(0, 7),
    'jaggedCosine: 8 steps of warm-up do not fit in a run of 7; shorten the warm-up or train longer.',
  ],
  [
    () => piecewise([{ until: 8, schedule: flat }, { until: 4, schedule: flat }, { schedule: flat }])(0, 10),
    'piecewise: piece 1 ends at step 4, before it begins at step 8; let ends rise and stay within the run.',
  ],
  [
    () => piecewise([{ until: 11, schedule: flat }])(0, 10),
    'piecewise: piece 0 ends at step 11, past the end of a run of 10; let ends rise and stay within the run.',
  ],
  [
    () => perLink(flat, { links: 3 })(0, 2),
    'perLink: 3 links do not fit in a run of 2 steps; take fewer links or train longer.',
  ],
  [
    () => perLink(flat, { steps: [5, 5] })(0, 11),
    'perLink: the links are 10 steps long together, the run 11; let both agree.',
  ],
  [
    () => cubicBudget(budget)(1, 8),
    'cubicBudget: warmupSteps 3 and finalSteps 5 leave no step of a run of 8 for the budget to fall; ' +
      'shorten them or train longer.',
  ],
  [() => cubicBudget(budget)(1, 20.5), 'cubicBudget: totalSteps is 20.5; give a whole number of at least 0.'],
];

const schedules: Readonly<Record<string, Schedule>> = {
  constant: flat,
  linear: linear(1),
  cosine: cosine(1, { steps: 5 }),
  cosineWithRestarts: cosineWithRestarts(1, { cycles: 2 }),
  polynomial: polynomial(1),
  inverseSquareRoot: inverseSquareRoot(1),
  exponential: exponential(1, { gamma: 0.9 }),
  oneCycle: oneCycle(1),
  warmup: warmup(2, flat),
  piecewise: piecewise([{ schedule: flat }]),
  jaggedCosine: jaggedCosine(1, jagged),
  perLink: perLink(flat, { links: 2 }),
  cubicBudget: cubicBudget(budget),
};

test.each(options)('refuses options: %o %s', (act, message) => {
  expect(thrown(act)).toMatchObject({ name: 'ScheduleError', code: 'schedule/options', message });
});

test.each(spans)('refuses runs: %o %s', (act, message) => {
  expect(thrown(act)).toMatchObject({ name: 'ScheduleError', code: 'schedule/span', message });
});

test.each(Object.entries(schedules))('%s refuses steps that are not counts', (name, schedule) => {
  for (const step of [-1, 0.5, Number.NaN, Number.POSITIVE_INFINITY]) {
    const message = `${name}: step is ${step}; give a whole number of at least 0.`;
    expect(thrown(() => schedule(step, 20))).toMatchObject({ code: 'schedule/step', message });
  }
});

test("errors carry the marker of the project's errors", () => {
  const error = thrown(() => constant(-1));
  expect(error).toBeInstanceOf(ScheduleError);
  expect(Reflect.get(error as object, Symbol.for('@peft/error'))).toBe(true);
});
