import * as tf from '@tensorflow/tfjs';
import { leavesOf } from '../tree.ts';
import { planAt } from './planAt.ts';
import { type BatchInputs, paramsOf, type StepPlan, type StepState } from './stepPlan.ts';
import { taskFigures } from './taskFigures.ts';

/** A gradient for every leaf that is reached, by path. */
export type Gradients = ReadonlyMap<string, tf.Tensor>;

export type BatchGradients = {
  /** The batch's share of the step's mean task loss. */
  readonly loss: tf.Scalar;
  /** Leaves that the task loss does not reach have none. */
  readonly grads: Gradients;
};

/** The task loss of one batch and its gradients. Both belong to the caller's scope. */
export function gradientsOf(plan: StepPlan, state: StepState, { batch, key, scale }: BatchInputs): BatchGradients {
  const { value, grads } = differentiate(state, () => {
    const at = planAt(plan, state, key);
    return tf.mul(taskFigures(plan, at, batch).sum, scale) as tf.Scalar;
  });
  return { loss: value, grads };
}

/** The strategy's penalty and its gradients; undefined where it has none. */
export function penaltyGradientsOf({ strategy }: StepPlan, state: StepState) {
  const { penalty } = strategy;
  if (!penalty) return undefined;
  return differentiate(state, () => penalty({ params: state.adapter, state: state.strategy }));
}

/** The sum of two sets of gradients. */
export function addGradients(left: Gradients, right: Gradients): Gradients {
  const sum = new Map(left);
  for (const [path, grad] of right) {
    const known = left.get(path);
    sum.set(path, known ? tf.add(known, grad) : grad);
  }
  return sum;
}

// tf.valueAndGrads refuses a leaf that the value does not reach.
function differentiate(state: StepState, compute: () => tf.Scalar): { value: tf.Scalar; grads: Gradients } {
  const leaves = leavesOf(paramsOf(state));
  const tensors = leaves.map(([, leaf]) => leaf);
  if (tensors.length === 0) return { value: compute(), grads: new Map() };
  const { value, grads } = freeingTape(() => tf.engine().gradients(compute, tensors, undefined, true));
  const reached = leaves.flatMap(([path], index) => {
    const grad = (grads as (tf.Tensor | undefined)[])[index];
    return grad ? [[path, grad] as const] : [];
  });
  return { value: value as tf.Scalar, grads: new Map(reached) };
}

// What operations saved for their gradients is kept, and tfjs frees it only where nothing throws.
function freeingTape<Result>(run: () => Result): Result {
  try {
    return run();
  } catch (error) {
    const { activeTape } = tf.engine().state;
    for (const { saved } of activeTape ?? []) tf.dispose(saved as tf.Tensor[]);
    throw error;
  }
}
