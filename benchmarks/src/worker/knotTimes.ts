import { StepClock } from '../problems/stepClock.ts';
import { median } from '../report/summary.ts';
import type { Assignment } from '../step/assignment.ts';
import { contestModel } from './contestModel.ts';
import { contestRun } from './contestRun.ts';
import type { OurEngine } from './ourEngine.ts';

const linkLength = 4;
const knots = 5;

export type KnotTimes = {
  /** Median of steps without a knot before or in them. */
  readonly stepMs: number;
  /** What a knot adds to the step it ends and to the one after it, median over knots. */
  readonly knotMs: number;
  readonly knots: readonly number[];
};

/** A chain whose links are a few steps long: what its steps with a knot take beyond those without. */
export async function knotTimes({ engine }: OurEngine, assignment: Assignment): Promise<KnotTimes> {
  const contest = contestModel(assignment);
  const links = [...Array.from({ length: knots }, () => linkLength), linkLength + 1];
  const clock = new StepClock(contest.model, { ...contestRun(assignment, contest, links), engine });
  await clock.ready();
  const { wall } = await clock.take(linkLength * (knots + 1));
  await clock.end();
  return knotTimesOf(wall.map((seconds) => 1000 * seconds));
}

/** From the times of all steps of such a chain; the first link warms up. */
export function knotTimesOf(times: readonly number[]): KnotTimes {
  const place = (index: number) => index % linkLength;
  const plain = times.filter((_, index) => index > linkLength && place(index) !== 0 && place(index) !== linkLength - 1);
  const stepMs = median(plain);
  const costs = Array.from({ length: knots }, (_, knot) => {
    const last = (knot + 1) * linkLength - 1;
    return (times[last] as number) + (times[last + 1] as number) - 2 * stepMs;
  });
  return { stepMs, knotMs: median(costs), knots: costs };
}
