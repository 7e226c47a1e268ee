import { checkClock, checkStep } from './checkClock.ts';
import type { Schedule } from './schedule.ts';

export interface SpanOptions {
  /** Steps from the first value to the last; by default the whole run. */
  readonly steps?: number;
}

/** Where a schedule stands in its span: `step` never passes `span`, `progress` runs from 0 to 1. */
interface Position {
  readonly progress: number;
  readonly step: number;
  readonly span: number;
}

/**
 * A schedule that runs once over a span and then stays at its last value. In an empty span it is over from the start.
 */
export function overSpan(name: string, steps: number | undefined, value: (position: Position) => number): Schedule {
  return (now, totalSteps) => {
    if (steps === undefined) checkClock(name, now, totalSteps);
    else checkStep(name, now);
    const span = steps ?? totalSteps;
    const step = Math.min(now, span);
    return value({ progress: span === 0 ? 1 : step / span, step, span });
  };
}
