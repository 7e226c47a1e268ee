import { numberProblem } from './numberProblem.ts';
import { overSpan, type SpanOptions } from './overSpan.ts';
import { refuseOptions } from './refuseOptions.ts';
import type { Schedule } from './schedule.ts';

export interface PolynomialOptions extends SpanOptions {
  /** The rate at the end of the span, at most `lr`. Default 1e-7. */
  readonly end?: number;
  /** The power of the remaining fraction. Default 1, a straight line. */
  readonly power?: number;
}

/**
 * `end + (lr - end) * remaining ** power`, as transformers' polynomial decay and, with `end` 0, torch's PolynomialLR.
 * Throws `schedule/options` for a negative or non-finite rate, an end above `lr`, a power not above 0, or a span that is
 * not a count.
 */
export function polynomial(lr: number, { end = 1e-7, power = 1, steps }: PolynomialOptions = {}): Schedule {
  refuseOptions('polynomial', [
    numberProblem('lr', lr, { least: 0 }),
    numberProblem('end', end, { least: 0 }),
    lr >= 0 && end > lr && `end ${end} is above lr ${lr}; lower end or raise lr`,
    numberProblem('power', power, { above: 0 }),
    steps !== undefined && numberProblem('steps', steps, { whole: true, least: 1 }),
  ]);
  return overSpan('polynomial', steps, ({ progress }) => end + (lr - end) * (1 - progress) ** power);
}
