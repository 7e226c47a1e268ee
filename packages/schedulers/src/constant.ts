import { checkStep } from './checkClock.ts';
import { numberProblem } from './numberProblem.ts';
import { refuseOptions } from './refuseOptions.ts';
import type { Schedule } from './schedule.ts';

/** The rate `lr` at every step. Throws `schedule/options` for a rate that is not a finite number of at least 0. */
export function constant(lr: number): Schedule {
  refuseOptions('constant', [numberProblem('lr', lr, { least: 0 })]);
  return (step) => {
    checkStep('constant', step);
    return lr;
  };
}
