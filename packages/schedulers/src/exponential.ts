import { checkStep } from './checkClock.ts';
import { numberProblem } from './numberProblem.ts';
import { refuseOptions } from './refuseOptions.ts';
import type { Schedule } from './schedule.ts';

export interface ExponentialOptions {
  /** The factor from one step to the next, above 0 and at most 1. */
  readonly gamma: number;
}

/**
 * `lr * gamma ** step`, as torch's ExponentialLR stepped once for each update; it never ends. Throws `schedule/options`
 * for a negative or non-finite rate or a gamma outside (0, 1].
 */
export function exponential(lr: number, { gamma }: ExponentialOptions): Schedule {
  refuseOptions('exponential', [
    numberProblem('lr', lr, { least: 0 }),
    numberProblem('gamma', gamma, { above: 0, most: 1 }),
  ]);
  return (step) => {
    checkStep('exponential', step);
    return lr * gamma ** step;
  };
}
