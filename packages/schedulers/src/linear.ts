import { numberProblem } from './numberProblem.ts';
import { overSpan, type SpanOptions } from './overSpan.ts';
import { refuseOptions } from './refuseOptions.ts';
import type { Schedule } from './schedule.ts';

export interface LinearOptions extends SpanOptions {
  /** The rate at the end of the span; above `lr` the schedule rises. Default 0. */
  readonly end?: number;
}

/**
 * A straight line from `lr` to `end`, as transformers' linear schedule and torch's LinearLR. Throws `schedule/options`
 * for a negative or non-finite rate or a span that is not a count.
 */
export function linear(lr: number, { end = 0, steps }: LinearOptions = {}): Schedule {
  refuseOptions('linear', [
    numberProblem('lr', lr, { least: 0 }),
    numberProblem('end', end, { least: 0 }),
    steps !== undefined && numberProblem('steps', steps, { whole: true, least: 1 }),
  ]);
  return overSpan('linear', steps, ({ progress }) => end + (lr - end) * (1 - progress));
}
