import { checkClock } from './checkClock.ts';
import { numberProblem } from './numberProblem.ts';
import { refuseOptions } from './refuseOptions.ts';
import type { Schedule } from './schedule.ts';
import { ScheduleError } from './scheduleError.ts';
import { scheduleProblem } from './scheduleProblem.ts';

/** How a chain is cut: `links` of equal length, to within a step, or links of the lengths in `steps`. */
export type PerLinkOptions = { readonly links: number } | { readonly steps: readonly number[] };

/**
 * `schedule` run afresh for each link of a chain, with the link's own length. Throws `schedule/options` for no links or
 * lengths that are not counts, and `schedule/span` when the links do not fit the run.
 */
export function perLink(schedule: Schedule, options: PerLinkOptions): Schedule {
  refuseOptions('perLink', [scheduleProblem('the schedule', schedule), ...linkProblems(options)]);
  return (step, totalSteps) => {
    checkClock('perLink', step, totalSteps);
    const starts = 'steps' in options ? startsOf(options.steps, totalSteps) : evenStarts(options.links, totalSteps);
    const index = starts.findLastIndex((start) => start <= step);
    const start = starts[index] ?? 0;
    return schedule(step - start, (starts[index + 1] ?? totalSteps) - start);
  };
}

function linkProblems(options: PerLinkOptions): readonly (string | false | undefined)[] {
  if (!('steps' in options)) return [numberProblem('links', options.links, { whole: true, least: 1 })];
  if (options.steps.length === 0) return ['steps is empty; give the length of at least one link'];
  return options.steps.map((steps, index) => numberProblem(`steps[${index}]`, steps, { whole: true, least: 1 }));
}

function startsOf(steps: readonly number[], totalSteps: number): readonly number[] {
  let sum = 0;
  const starts = steps.map((length) => {
    sum += length;
    return sum - length;
  });
  if (sum === totalSteps) return starts;
  throw new ScheduleError(
    'schedule/span',
    `perLink: the links are ${sum} steps long together, the run ${totalSteps}; let both agree.`,
  );
}

function evenStarts(links: number, totalSteps: number): readonly number[] {
  if (links <= totalSteps) return Array.from({ length: links }, (_, index) => Math.floor((index * totalSteps) / links));
  throw new ScheduleError(
    'schedule/span',
    `perLink: ${links} links do not fit in a run of ${totalSteps} steps; take fewer links or train longer.`,
  );
}
