import { StepClock } from '../problems/stepClock.ts';
import type { Assignment } from '../step/assignment.ts';
import { contestModel } from './contestModel.ts';
import { contestRun } from './contestRun.ts';
import type { OurEngine } from './ourEngine.ts';

export type TimerTicks = {
  /** Ticks a millisecond of a timer of one millisecond, the process at rest. */
  readonly atRest: number;
  /** The same while steps run. */
  readonly inSteps: number;
  readonly stepMs: number;
};

const restMs = 2000;
const steps = 5;

/** How much of a timer of one millisecond is left while training steps run in the same process. */
export async function timerTicks({ engine }: OurEngine, assignment: Assignment): Promise<TimerTicks> {
  const contest = contestModel(assignment);
  const clock = new StepClock(contest.model, { ...contestRun(assignment, contest), engine });
  await clock.ready();
  await clock.take(3);
  const rest = await ticksDuring(() => new Promise<void>((resolve) => setTimeout(resolve, restMs)));
  const run = await ticksDuring(async () => {
    await clock.take(steps);
  });
  await clock.end();
  return { atRest: rest.ticks / rest.ms, inSteps: run.ticks / run.ms, stepMs: run.ms / steps };
}

async function ticksDuring(work: () => Promise<void>): Promise<{ readonly ticks: number; readonly ms: number }> {
  let ticks = 0;
  const timer = setInterval(() => ticks++, 1);
  const began = performance.now();
  await work();
  const ms = performance.now() - began;
  clearInterval(timer);
  return { ticks, ms };
}
