import { checkClock } from './checkClock.ts';
import { refuseOptions } from './refuseOptions.ts';
import type { Schedule } from './schedule.ts';
import { ScheduleError } from './scheduleError.ts';
import { scheduleProblem } from './scheduleProblem.ts';
import { type Span, spanProblem, spanSteps } from './span.ts';

/**
 * A linear rise from 0 to the first rate of `schedule`, which then runs over the remaining steps, so that
 * `warmup(100, linear(5e-4))` is transformers' linear schedule with warm-up. Throws `schedule/options` for a span that
 * is neither a count nor a fraction, and `schedule/span` when the run is shorter than the warm-up.
 */
export function warmup(span: Span, schedule: Schedule): Schedule {
  refuseOptions('warmup', [spanProblem('the span', span), scheduleProblem('the schedule', schedule)]);
  return (step, totalSteps) => {
    checkClock('warmup', step, totalSteps);
    const steps = spanSteps(span, totalSteps);
    if (steps > totalSteps) {
      throw new ScheduleError(
        'schedule/span',
        `warmup: ${steps} steps of warm-up do not fit in a run of ${totalSteps}; shorten the warm-up or train longer.`,
      );
    }
    const remaining = totalSteps - steps;
    return step < steps ? schedule(0, remaining) * (step / steps) : schedule(step - steps, remaining);
  };
}
