import { checkStep } from './checkClock.ts';
import { numberProblem } from './numberProblem.ts';
import { refuseOptions } from './refuseOptions.ts';
import type { Schedule } from './schedule.ts';

export interface InverseSquareRootOptions {
  /** Steps in which the rate first rises from 0 to `lr`. Default 0. */
  readonly warmupSteps?: number;
  /** Steps after the warm-up in which the rate falls by a factor of `sqrt(2)`. Default `warmupSteps`, or 10,000 without. */
  readonly timescale?: number;
}

/**
 * A linear rise to `lr`, then `lr / sqrt(1 + steps / timescale)`, as transformers' inverse square root schedule; it
 * never ends. Throws `schedule/options` for a negative or non-finite rate, a warm-up that is not a count, or a timescale
 * not above 0.
 */
export function inverseSquareRoot(lr: number, options: InverseSquareRootOptions = {}): Schedule {
  const { warmupSteps = 0, timescale = warmupSteps || 10_000 } = options;
  refuseOptions('inverseSquareRoot', [
    numberProblem('lr', lr, { least: 0 }),
    numberProblem('warmupSteps', warmupSteps, { whole: true, least: 0 }),
    options.timescale !== undefined && numberProblem('timescale', timescale, { above: 0 }),
  ]);
  return (step) => {
    checkStep('inverseSquareRoot', step);
    if (step < warmupSteps) return lr * (step / warmupSteps);
    return lr / Math.sqrt((step - warmupSteps + timescale) / timescale);
  };
}
