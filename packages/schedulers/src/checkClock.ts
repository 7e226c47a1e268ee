import { numberProblem } from './numberProblem.ts';
import { ScheduleError } from './scheduleError.ts';

/** Throws `schedule/step` unless `step` is a count of steps. */
export function checkStep(schedule: string, step: number): void {
  const problem = numberProblem('step', step, { whole: true, least: 0 });
  if (problem !== undefined) throw new ScheduleError('schedule/step', `${schedule}: ${problem}.`);
}

/** Throws `schedule/step` or `schedule/span` unless both are counts of steps. */
export function checkClock(schedule: string, step: number, totalSteps: number): void {
  checkStep(schedule, step);
  const problem = numberProblem('totalSteps', totalSteps, { whole: true, least: 0 });
  if (problem !== undefined) throw new ScheduleError('schedule/span', `${schedule}: ${problem}.`);
}
