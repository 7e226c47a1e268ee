import { numberProblem } from './numberProblem.ts';
import { overSpan, type SpanOptions } from './overSpan.ts';
import { refuseOptions } from './refuseOptions.ts';
import type { Schedule } from './schedule.ts';

export interface CosineOptions extends SpanOptions {
  /** The rate at the bottom of the wave. Default 0. */
  readonly end?: number;
  /** Waves in the span; half a wave, the default, falls once from `lr` to `end`. */
  readonly cycles?: number;
}

/**
 * A cosine wave from `lr` down to `end`, as transformers' cosine schedules and torch's CosineAnnealingLR, but holding its
 * last value after the span where theirs rise again. Throws `schedule/options` for a negative or non-finite rate,
 * cycles not above 0, or a span that is not a count.
 */
export function cosine(lr: number, { end = 0, cycles = 0.5, steps }: CosineOptions = {}): Schedule {
  refuseOptions('cosine', [
    numberProblem('lr', lr, { least: 0 }),
    numberProblem('end', end, { least: 0 }),
    numberProblem('cycles', cycles, { above: 0 }),
    steps !== undefined && numberProblem('steps', steps, { whole: true, least: 1 }),
  ]);
  return overSpan(
    'cosine',
    steps,
    // Whole waves are dropped, so that the angle stays finite and exact for any number of cycles.
    ({ progress }) => end + (lr - end) * (0.5 * (1 + Math.cos(2 * Math.PI * ((cycles * progress) % 1)))),
  );
}
