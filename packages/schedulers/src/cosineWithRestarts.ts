import { numberProblem } from './numberProblem.ts';
import { overSpan, type SpanOptions } from './overSpan.ts';
import { refuseOptions } from './refuseOptions.ts';
import type { Schedule } from './schedule.ts';

export interface CosineWithRestartsOptions extends SpanOptions {
  /** Times the rate falls from `lr` to `end`, a whole number. */
  readonly cycles: number;
  /** The rate towards which each cycle falls, and the rate after the span. Default 0. */
  readonly end?: number;
}

/**
 * A cosine that falls from `lr` to `end` and jumps back to `lr`, `cycles` times, as transformers' cosine with hard
 * restarts. Throws `schedule/options` for a negative or non-finite rate, cycles that are not a whole number of at least
 * 1, or a span that is not a count.
 */
export function cosineWithRestarts(lr: number, { cycles, end = 0, steps }: CosineWithRestartsOptions): Schedule {
  refuseOptions('cosineWithRestarts', [
    numberProblem('lr', lr, { least: 0 }),
    numberProblem('cycles', cycles, { whole: true, least: 1 }),
    numberProblem('end', end, { least: 0 }),
    steps !== undefined && numberProblem('steps', steps, { whole: true, least: 1 }),
  ]);
  return overSpan('cosineWithRestarts', steps, ({ step, span }) => {
    if (step === span) return end;
    // The remainder is taken of whole numbers: of rounded fractions, 49 * (1 / 49) would miss its restart.
    const progress = ((cycles * step) % span) / span;
    return end + (lr - end) * (0.5 * (1 + Math.cos(Math.PI * progress)));
  });
}
