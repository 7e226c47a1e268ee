const marker = Symbol.for('@peft/error');

export type ScheduleErrorCode = 'schedule/options' | 'schedule/span' | 'schedule/step';

/**
 * What every schedule throws. `schedule/options`: an option is wrong, thrown where the schedule is made;
 * `schedule/span`: the schedule does not fit the length of the run it is asked for; `schedule/step`: the step is not a
 * count. Carries the marker of the project's errors, `Symbol.for('@peft/error')`.
 */
export class ScheduleError extends Error {
  override readonly name = 'ScheduleError';
  readonly [marker] = true;

  constructor(
    readonly code: ScheduleErrorCode,
    message: string,
  ) {
    super(message);
  }
}
