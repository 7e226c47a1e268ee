import { expectParity } from '@peft/parity';
import { expect, test } from 'vitest';
import golden from './__fixtures__/schedules.json' with { type: 'json' };
import { constant } from './constant.ts';
import { type CosineOptions, cosine } from './cosine.ts';
import { type CosineWithRestartsOptions, cosineWithRestarts } from './cosineWithRestarts.ts';
import { type ExponentialOptions, exponential } from './exponential.ts';
import { type InverseSquareRootOptions, inverseSquareRoot } from './inverseSquareRoot.ts';
import { type LinearOptions, linear } from './linear.ts';
import { type OneCycleOptions, oneCycle } from './oneCycle.ts';
import { piecewise } from './piecewise.ts';
import { type PolynomialOptions, polynomial } from './polynomial.ts';
import type { Schedule } from './schedule.ts';
import { warmup } from './warmup.ts';

interface Curve {
  readonly source: string;
  readonly schedule: string;
  readonly lr: number;
  readonly warmup: number | null;
  readonly totalSteps: number;
  readonly options: object;
  readonly values: readonly number[];
}

const relative = 1e-9;
// torch's recursive schedulers end a fall to 0 at a rounding error of the starting rate.
const absolute = 1e-15;

const make: Readonly<Record<string, (lr: number, options: object) => Schedule>> = {
  constant,
  linear: (lr, options) => linear(lr, options as LinearOptions),
  cosine: (lr, options) => cosine(lr, options as CosineOptions),
  cosineWithRestarts: (lr, options) => cosineWithRestarts(lr, options as CosineWithRestartsOptions),
  polynomial: (lr, options) => polynomial(lr, options as PolynomialOptions),
  inverseSquareRoot: (lr, options) => inverseSquareRoot(lr, options as InverseSquareRootOptions),
  exponential: (lr, options) => exponential(lr, options as ExponentialOptions),
  oneCycle: (lr, options) => oneCycle(lr, options as OneCycleOptions),
  warmupStableDecay: (lr, options) => {
    const { until, end } = options as { readonly until: readonly number[]; readonly end: number };
    return piecewise([
      { until: until[0], schedule: linear(end, { end: lr }) },
      { until: until[1], schedule: constant(lr) },
      { schedule: cosine(lr, { end }) },
    ]);
  },
  constantLinearExponential: (lr, options) => {
    const { until, gamma } = options as { readonly until: readonly number[]; readonly gamma: number };
    return piecewise([
      { until: until[0], schedule: constant(lr) },
      { until: until[1], schedule: linear(lr) },
      { schedule: exponential(lr, { gamma }) },
    ]);
  },
};

test.each(golden.curves as readonly Curve[])(
  '$schedule is $source: lr $lr, warm-up $warmup, total $totalSteps, $options',
  ({ schedule: name, lr, warmup: warmupSteps, totalSteps, options, values }) => {
    const bare = make[name]?.(lr, options);
    if (bare === undefined) throw new Error(`no schedule is named ${name}`);
    const schedule = warmupSteps === null ? bare : warmup(warmupSteps, bare);
    expect(values.length).toBeGreaterThanOrEqual(totalSteps);
    // In units of each expected rate, or of the starting rate where it is 0.
    const scale = values.map((expected) => (expected > absolute * lr ? expected : (absolute / relative) * lr));
    expectParity('schedules: learning rates of torch and transformers', {
      actual: scale.map((unit, step) => schedule(step, totalSteps) / unit),
      expected: values.map((expected, step) => expected / (scale[step] as number)),
      tolerance: relative,
      by: 'largest',
    });
  },
);

test('the goldens hold every schedule that torch or transformers have', () => {
  expect(new Set(golden.curves.map(({ schedule }) => schedule))).toEqual(new Set(Object.keys(make)));
});
