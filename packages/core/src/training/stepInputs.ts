import { fold, PeftError } from '@peft/ops';
import type { HostInputs } from '../engine.ts';
import type { Optimizer } from '../optimizers/optimizer.ts';
import { type Lane, type LaneCall, laneInputs } from './lanes.ts';
import type { HostBatch, Loss } from './loss.ts';
import type { RunPlan } from './planRun.ts';

export type StepInputsCall = LaneCall & {
  readonly plan: RunPlan;
  readonly loss: Loss;
  readonly optimizer: Optimizer;
  readonly lanes: Iterable<Lane>;
};

/** The host values of one step: batches, dropout keys, what every lane and the strategy need, in float64. */
export function stepInputs(batches: readonly HostBatch[], call: StepInputsCall): HostInputs {
  const { plan, loss, clock, state, strategy } = call;
  const count = batches.reduce((total, batch) => total + loss.count(batch), 0);
  if (count === 0) {
    throw new PeftError(
      'data/no-counted',
      `step ${clock.step}: every item of the batch is ignored, so there is nothing to learn from; drop such batches.`,
    );
  }
  const stepSeed = fold(fold(plan.seed, 'dropout'), clock.step);
  const micro = batches.map((batch, index) => {
    const key = { dtype: 'int32', shape: [], data: Int32Array.of(fold(stepSeed, index)) } as const;
    return [String(index), { batch, key }] as const;
  });
  const lanes = [...new Set(call.lanes)].map((lane) => {
    return [lane.id, laneInputs(lane, { ...call, schedule: plan.schedule })] as const;
  });
  return {
    micro: Object.fromEntries(micro),
    scale: 1 / count,
    lanes: Object.fromEntries(lanes),
    strategy: strategy.inputs?.(state, clock) ?? {},
  };
}
