import { PeftError } from '@peft/ops';
import * as tf from '@tensorflow/tfjs';
import type { StepFunction } from '../engine.ts';
import { leavesOf, mapTree, type Tree, treeOf } from '../tree.ts';
import { applyGradients } from './applyGradients.ts';
import { evaluateStep } from './evaluate.ts';
import { addGradients, type Gradients, gradientsOf, penaltyGradientsOf } from './gradientsOf.ts';
import { planAt } from './planAt.ts';
import { type BatchInputs, paramsOf, type StepPlan, type StepState, type UpdateInputs } from './stepPlan.ts';

export type StepFunctions = Readonly<Record<'train' | 'accumulate' | 'update' | 'evaluate' | 'inspect', StepFunction>>;

/**
 * What a run does with its state, as pure functions: a whole step on one batch (`train`), or a step in parts, adding
 * the gradients of one batch after another (`accumulate`) before the `update`; `evaluate`;
 * and `inspect`, which finds what is not finite.
 */
export function stepFunctions(plan: StepPlan): StepFunctions {
  return {
    train: (state, inputs) => train(plan, state as StepState, inputs as BatchInputs & UpdateInputs),
    accumulate: (state, inputs) => accumulate(plan, state as StepState, inputs as BatchInputs),
    update: (state, inputs) => update(plan, state as StepState, inputs as UpdateInputs),
    evaluate: evaluateStep(plan),
    inspect: (state, inputs) => inspect(plan, state as StepState, inputs as BatchInputs),
  };
}

function train(plan: StepPlan, state: StepState, inputs: BatchInputs & UpdateInputs) {
  const { loss, grads } = gradientsOf(plan, state, inputs);
  requireReached(state, grads);
  return finish(plan, state, { grads, inputs, metrics: { loss } });
}

function accumulate(plan: StepPlan, state: StepState, inputs: BatchInputs) {
  const { loss, grads } = gradientsOf(plan, state, inputs);
  requireReached(state, grads);
  const known = new Map(leavesOf(state.sums));
  return { state: { ...state, sums: treeOf(addGradients(known, grads)) as Tree }, metrics: { loss } };
}

function update(plan: StepPlan, state: StepState, inputs: UpdateInputs) {
  const result = finish(plan, state, { grads: new Map(leavesOf(state.sums)), inputs, metrics: {} });
  return { ...result, state: { ...result.state, sums: noSums(state.sums) } };
}

function finish(
  plan: StepPlan,
  state: StepState,
  call: {
    readonly grads: Gradients;
    readonly inputs: UpdateInputs;
    readonly metrics: Readonly<Record<string, tf.Scalar>>;
  },
) {
  const penalty = penaltyGradientsOf(plan, state);
  const grads = penalty ? addGradients(call.grads, penalty.grads) : call.grads;
  const { state: next, metrics } = applyGradients(plan, state, { grads, inputs: call.inputs });
  return { state: next, metrics: { ...call.metrics, penalty: penalty?.value ?? tf.scalar(0), ...metrics } };
}

/** Loss, output size, and for every gradient 0, or NaN where it is not finite. */
function inspect(plan: StepPlan, state: StepState, inputs: BatchInputs) {
  const { loss, grads } = gradientsOf(plan, state, inputs);
  const outputSize = plan.model.apply(inputs.batch, planAt(plan, state)).shape.at(-1) ?? 1;
  const flags = [...grads].map(([path, grad]) => [path, tf.sum(tf.mul(grad, 0))] as const);
  return { state, metrics: {}, outputs: { outputSize: tf.scalar(outputSize), loss, ...Object.fromEntries(flags) } };
}

/** Sums of no gradient yet for these parameters. */
export function noSums(params: Tree): Tree {
  return mapTree(params, (leaf) => tf.zerosLike(leaf));
}

function requireReached(state: StepState, grads: Gradients): void {
  const leaves = leavesOf(paramsOf(state)).map(([path]) => path);
  const missed = leaves.filter((path) => !grads.has(path));
  if (missed.length === 0) return;
  throw new PeftError(
    'target/unreached',
    `the loss does not depend on ${missed.length} trained tensors, which would never learn: ${missed.join(', ')}. Exclude their modules from targets and modulesToSave, or use them in the model.`,
  );
}
