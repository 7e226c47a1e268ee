import type * as tf from '@tensorflow/tfjs';
import { adaptedAt } from '../adaptedAt.ts';
import type { At } from '../model.ts';
import { withRows } from '../tokenRows.ts';
import type { Snapshot } from '../tree.ts';
import type { StepPlan, TrainTree } from './stepPlan.ts';

type Plan = Pick<StepPlan, 'model' | 'weights' | 'strategy' | 'targets' | 'tokenTables'>;

/** How the model of a plan reaches its weights in this state; a key makes it a training pass. */
export function planAt(plan: Plan, state: TrainTree & { readonly strategy: Snapshot }, stepKey?: tf.Scalar): At {
  return adaptedAt({
    weights: plan.weights,
    modules: plan.model.targets,
    strategy: plan.strategy,
    adapter: { params: state.adapter, state: state.strategy },
    targets: plan.targets,
    trained: state.trained,
    tokenRows: withRows(plan.tokenTables, state.tokenRows),
    ...(stepKey && { stepKey }),
  });
}
