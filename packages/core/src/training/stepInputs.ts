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

/** The host values of one step: of every batch, and of its update. */
export type StepInputs = { readonly batches: readonly HostInputs[]; readonly update: UpdateNumbers };

/** Learning rates and step-dependent numbers, computed in float64. */
export type UpdateNumbers = {
  readonly lanes: Readonly<Record<string, { readonly learningRate: number } & Readonly<Record<string, number>>>>;
  readonly strategy: Readonly<Record<string, number>>;
};

/** The inputs of a step on these batches, each with its share of the counted items and its own dropout key. */
export function stepInputs(batches: readonly HostBatch[], call: StepInputsCall): StepInputs {
  const { plan, loss, clock, state, strategy } = call;
  const count = batches.reduce((total, batch) => total + loss.count(batch), 0);
  if (count === 0) {
    throw new PeftError(
      'data/no-counted',
      `step ${clock.step}: every item of the batch is ignored, so there is nothing to learn from; drop such batches.`,
    );
  }
  const stepSeed = fold(fold(plan.seed, 'dropout'), clock.step);
  const scale = 1 / count;
  const lanes = [...new Set(call.lanes)].map((lane) => {
    return [lane.id, laneInputs(lane, { ...call, schedule: plan.schedule })] as const;
  });
  return {
    batches: batches.map((batch, index) => {
      const key = { dtype: 'int32', shape: [], data: Int32Array.of(fold(stepSeed, index)) } as const;
      return { batch: loss.prepare?.(batch) ?? batch, key, scale };
    }),
    update: { lanes: Object.fromEntries(lanes), strategy: strategy.inputs?.(state, clock) ?? {} },
  };
}
