import { PeftError } from '@peft/ops';
import type { Optimizer } from '../optimizers/optimizer.ts';
import { groupOf, type ParameterGroup } from '../optimizers/parameterGroup.ts';
import type { AnyStrategy, Clock } from '../strategy.ts';
import type { Target } from '../target.ts';
import type { Snapshot } from '../tree.ts';

/** A learning rate as a function of steps completed (0 at the first update) and the length of the life. */
export type Schedule = (step: number, totalSteps: number) => number;

/**
 * Leaves that share their settings, their step count and the life their schedule follows; they share one learning
 * rate and one set of optimizer inputs.
 */
export type Lane = {
  readonly id: string;
  readonly group: ParameterGroup | undefined;
  /** Optimizer steps of the run before these leaves' moments began. */
  readonly start: number;
  readonly target: Target | undefined;
};

/** For every leaf, the step its moments began at. */
export type Starts = ReadonlyMap<string, number>;

/** The target whose path is a key on the leaf's way. */
export function targetOfLeaf(leaf: string, targets: ReadonlyMap<string, Target>): Target | undefined {
  for (const key of leaf.split('/')) {
    const target = targets.get(key);
    if (target) return target;
  }
  return undefined;
}

export type LaneCall = {
  readonly strategy: AnyStrategy;
  readonly state: Snapshot;
  readonly clock: Clock;
  readonly groups: readonly ParameterGroup[];
  readonly targets: ReadonlyMap<string, Target>;
};

/** The lane of every leaf. Leaves of different targets share a lane when their lives have the same clock. */
export function lanesOf(leaves: readonly string[], starts: Starts, call: LaneCall): ReadonlyMap<string, Lane> {
  const lanes = new Map<string, Lane>();
  return new Map(
    leaves.map((leaf) => {
      const target = targetOfLeaf(leaf, call.targets);
      const group = groupOf(call.groups, leaf);
      const start = starts.get(leaf) ?? 0;
      const life = lifeOf(call, target);
      const id = `${group?.name ?? 'default'} ${start} ${call.clock.step - life.step} ${life.totalSteps}`;
      const lane = lanes.get(id) ?? { id, group, start, target };
      lanes.set(id, lane);
      return [leaf, lane];
    }),
  );
}

/** The host numbers of a lane's next update. */
export function laneInputs(
  lane: Lane,
  call: LaneCall & { readonly optimizer: Optimizer; readonly schedule: Schedule },
): { readonly learningRate: number } & Readonly<Record<string, number>> {
  const life = lifeOf(call, lane.target);
  const rate = call.schedule(life.step - 1, life.totalSteps);
  if (!(rate >= 0 && Number.isFinite(rate))) {
    throw new PeftError(
      'schedule/rate',
      `the schedule gives ${rate} at step ${life.step - 1} of ${life.totalSteps}; a learning rate is a finite number of at least 0.`,
    );
  }
  const learningRate = rate * (lane.group?.learningRateFactor ?? 1);
  return { learningRate, ...call.optimizer.inputs(call.clock.step - lane.start) };
}

function lifeOf({ strategy, state, clock }: LaneCall, target: Target | undefined): Clock {
  return strategy.lifeOf?.(state, clock, target) ?? clock;
}
