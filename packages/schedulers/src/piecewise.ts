import { checkClock } from './checkClock.ts';
import { refuseOptions } from './refuseOptions.ts';
import type { Schedule } from './schedule.ts';
import { ScheduleError } from './scheduleError.ts';
import { scheduleProblem } from './scheduleProblem.ts';
import { type Span, spanProblem, spanSteps } from './span.ts';

export interface Piece {
  /** The step of the run at which the next piece begins; only the last piece may leave it out. */
  readonly until?: Span;
  readonly schedule: Schedule;
}

/**
 * Schedules one after another, each counting its own steps from 0 and knowing its own length; the last one runs to the
 * end of the run, or to its `until` and then on. Throws `schedule/options` for no pieces or wrong ones, and
 * `schedule/span` when pieces do not follow each other within the run.
 */
export function piecewise(pieces: readonly Piece[]): Schedule {
  const [first, ...others] = pieces;
  if (first === undefined) {
    throw new ScheduleError(
      'schedule/options',
      'piecewise: there are no pieces; give at least one { until, schedule }.',
    );
  }
  refuseOptions('piecewise', pieces.flatMap(pieceProblems));
  return (step, totalSteps) => {
    checkClock('piecewise', step, totalSteps);
    const endOf = ({ until = totalSteps }: Piece) => spanSteps(until, totalSteps);
    checkEnds(pieces.map(endOf), totalSteps);
    let { schedule } = first;
    let start = 0;
    let end = endOf(first);
    for (const piece of others) {
      if (step < end) break;
      schedule = piece.schedule;
      start = end;
      end = endOf(piece);
    }
    return schedule(step - start, end - start);
  };
}

function pieceProblems({ until, schedule }: Piece, index: number, pieces: readonly Piece[]) {
  return [
    scheduleProblem(`the schedule of piece ${index}`, schedule),
    until === undefined
      ? index < pieces.length - 1 && `piece ${index} has no until; only the last piece may leave it out`
      : spanProblem(`until of piece ${index}`, until),
  ];
}

function checkEnds(ends: readonly number[], totalSteps: number): void {
  const problems = ends.flatMap((end, index) => {
    const start = ends[index - 1] ?? 0;
    if (end < start) return [`piece ${index} ends at step ${end}, before it begins at step ${start}`];
    return end > totalSteps ? [`piece ${index} ends at step ${end}, past the end of a run of ${totalSteps}`] : [];
  });
  if (problems.length === 0) return;
  throw new ScheduleError('schedule/span', `piecewise: ${problems.join(', ')}; let ends rise and stay within the run.`);
}
