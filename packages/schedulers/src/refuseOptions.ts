import { ScheduleError } from './scheduleError.ts';

/** Throws one `schedule/options` error that lists every problem, if there is any. */
export function refuseOptions(schedule: string, problems: readonly (string | false | undefined)[]): void {
  const found = problems.filter((problem) => typeof problem === 'string');
  if (found.length === 0) return;
  const message = found.length === 1 ? ` ${found[0]}.` : found.map((problem) => `\n- ${problem}.`).join('');
  throw new ScheduleError('schedule/options', `${schedule}:${message}`);
}
