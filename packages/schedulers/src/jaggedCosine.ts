import { checkClock } from './checkClock.ts';
import { numberProblem } from './numberProblem.ts';
import { refuseOptions } from './refuseOptions.ts';
import type { Schedule } from './schedule.ts';
import { ScheduleError } from './scheduleError.ts';

export interface JaggedCosineOptions {
  /** Steps from one restart to the next; the first restart comes after this many steps. */
  readonly cycleLength: number;
  /** Steps in which the rate first rises from 0, at most `cycleLength`. Default 0. */
  readonly warmupSteps?: number;
  /** Steps in which the rate climbs back to the cosine after a restart, fewer than `cycleLength`. */
  readonly restartWarmupSteps: number;
  /** The cosine's end, as a part of `lr`. Default 0. */
  readonly minimumRatio?: number;
  /** Where a restart drops to, as a part of the rate it climbs back to. Default 0. */
  readonly restartRatio?: number;
}

/**
 * One cosine over the whole run in which every restart drops the rate and warms it up again, linearly, to where the
 * cosine will be by then (ReLoRA, arXiv 2307.05695). Throws `schedule/options` for a rate, count or ratio out of range
 * or a warm-up that does not fit in a cycle, and `schedule/span` when the run is shorter than the first warm-up.
 */
export function jaggedCosine(lr: number, options: JaggedCosineOptions): Schedule {
  const { cycleLength, warmupSteps = 0, restartWarmupSteps, minimumRatio = 0, restartRatio = 0 } = options;
  refuseOptions('jaggedCosine', [
    numberProblem('lr', lr, { least: 0 }),
    numberProblem('cycleLength', cycleLength, { whole: true, least: 1 }),
    numberProblem('warmupSteps', warmupSteps, { whole: true, least: 0 }),
    cycleLength >= 1 &&
      warmupSteps > cycleLength &&
      `warmupSteps ${warmupSteps} is above cycleLength ${cycleLength}; warm up within the first cycle`,
    numberProblem('restartWarmupSteps', restartWarmupSteps, { whole: true, least: 0 }),
    cycleLength >= 1 &&
      restartWarmupSteps >= cycleLength &&
      `restartWarmupSteps ${restartWarmupSteps} is not below cycleLength ${cycleLength}; leave steps on the cosine`,
    numberProblem('minimumRatio', minimumRatio, { least: 0, most: 1 }),
    numberProblem('restartRatio', restartRatio, { least: 0, most: 1 }),
  ]);
  return (step, totalSteps) => {
    checkClock('jaggedCosine', step, totalSteps);
    if (warmupSteps > totalSteps) {
      throw new ScheduleError(
        'schedule/span',
        `jaggedCosine: ${warmupSteps} steps of warm-up do not fit in a run of ${totalSteps}; ` +
          'shorten the warm-up or train longer.',
      );
    }
    if (step < warmupSteps) return lr * (step / warmupSteps);
    const remaining = totalSteps - warmupSteps;
    const cosineAt = (at: number) => {
      const progress = remaining === 0 ? 1 : Math.min(1, (at - warmupSteps) / remaining);
      return lr * (minimumRatio + (1 - minimumRatio) * (0.5 * (1 + Math.cos(Math.PI * progress))));
    };
    const sinceRestart = step % cycleLength;
    if (step < cycleLength || sinceRestart >= restartWarmupSteps) return cosineAt(step);
    const peak = cosineAt(step - sinceRestart + restartWarmupSteps);
    return peak * (restartRatio + (1 - restartRatio) * (sinceRestart / restartWarmupSteps));
  };
}
