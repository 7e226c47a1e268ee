import { numberProblem } from './numberProblem.ts';
import { overSpan, type SpanOptions } from './overSpan.ts';
import { refuseOptions } from './refuseOptions.ts';
import type { Schedule } from './schedule.ts';

export interface OneCycleOptions extends SpanOptions {
  /** The fraction of the span in which the rate rises. Default 0.3; at most 0.5 with `threePhase`. */
  readonly pctStart?: number;
  /** The first rate is `lr / divFactor`. Default 25. */
  readonly divFactor?: number;
  /** The last rate is the first one divided by this. Default 10,000. */
  readonly finalDivFactor?: number;
  /** The form of rise and fall. Default `'cos'`. */
  readonly anneal?: 'cos' | 'linear';
  /** Falls to the first rate in as many steps as it rose, then on to the last. Default false. */
  readonly threePhase?: boolean;
}

/**
 * One rise from `lr / divFactor` to `lr` and one long fall, as torch's OneCycleLR without its momentum; the last update
 * of the span uses the last rate. Throws `schedule/options` for a negative or non-finite rate, a fraction outside
 * [0, 1], a factor not above 0, an unknown form, or a span that is not a count.
 */
export function oneCycle(lr: number, options: OneCycleOptions = {}): Schedule {
  const { pctStart = 0.3, divFactor = 25, finalDivFactor = 1e4, anneal = 'cos', threePhase = false, steps } = options;
  const first = lr / divFactor;
  const last = first / finalDivFactor;
  refuseOptions('oneCycle', [
    numberProblem('lr', lr, { least: 0 }),
    numberProblem('pctStart', pctStart, { least: 0, most: threePhase ? 0.5 : 1 }),
    numberProblem('divFactor', divFactor, { above: 0 }),
    numberProblem('finalDivFactor', finalDivFactor, { above: 0 }),
    divFactor > 0 && rateProblem('first rate, lr / divFactor', first),
    divFactor > 0 &&
      finalDivFactor > 0 &&
      first < Infinity &&
      rateProblem('last rate, lr / divFactor / finalDivFactor', last),
    anneal !== 'cos' && anneal !== 'linear' && `anneal is ${JSON.stringify(anneal)}; give 'cos' or 'linear'`,
    steps !== undefined && numberProblem('steps', steps, { whole: true, least: 1 }),
  ]);
  const between = anneal === 'cos' ? cosineBetween : lineBetween;

  return overSpan('oneCycle', steps, ({ step, span }) => {
    const top = pctStart * span - 1;
    const phases = threePhase
      ? [
          { until: top, from: first, to: lr },
          { until: 2 * pctStart * span - 2, from: lr, to: first },
          { until: span - 1, from: first, to: last },
        ]
      : [
          { until: top, from: first, to: lr },
          { until: span - 1, from: lr, to: last },
        ];
    let start = 0;
    for (const { until, from, to } of phases) {
      // A phase may end before it begins, or hold one step only: there is nothing to interpolate then.
      if (step <= until) return until > start ? between(from, to, (step - start) / (until - start)) : to;
      start = until;
    }
    return last;
  });
}

function rateProblem(name: string, rate: number): string | undefined {
  return rate === Infinity ? `the ${name}, is Infinity; give factors that keep it finite` : undefined;
}

function cosineBetween(from: number, to: number, progress: number): number {
  return to + (from - to) * (0.5 * (1 + Math.cos(Math.PI * progress)));
}

function lineBetween(from: number, to: number, progress: number): number {
  return from + (to - from) * progress;
}
