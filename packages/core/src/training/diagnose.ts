import { isPeftError, PeftError } from '@peft/ops';
import * as tf from '@tensorflow/tfjs';
import { adaptedAt } from '../adaptedAt.ts';
import type { HostInputs, StepMetrics } from '../engine.ts';
import { type HostArray, toFloat32 } from '../hostArray.ts';
import { leavesOf } from '../tree.ts';
import { uploadInputs } from '../uploadInputs.ts';
import { gradientsOf } from './gradientsOf.ts';
import type { HostBatch } from './loss.ts';
import { type BatchInputs, paramsOf, type StepPlan, type StepState } from './stepPlan.ts';

/** Finds the first tensor that is not finite in the order data, weights, parameters, loss, gradients, and says so. */
export async function nonFiniteError(call: {
  readonly step: number;
  readonly batches: readonly HostBatch[];
  /** Of every batch, as the step had them. */
  readonly inputs: readonly HostInputs[];
  readonly plan: StepPlan;
  readonly state: StepState;
  readonly metrics: StepMetrics;
}): Promise<PeftError> {
  const { step, metrics } = call;
  const early = inBatches(call.batches) ?? inWeights(call.plan) ?? (await inState(call.state));
  const refused = early ? undefined : refusedByLoss(call);
  if (refused) return new PeftError(refused.code, `training stopped at step ${step}: ${refused.message}`);
  const found = early ?? (await inGradients(call));
  const first = found ?? { what: 'a parameter after the update', remedy: 'lower the learning rate' };
  const figures = Object.entries(metrics)
    .filter(([name]) => name !== 'parameterSum')
    .map(([name, value]) => `${name} ${Number(value.toPrecision(4))}`)
    .join(', ');
  return new PeftError(
    'train/not-finite',
    `training stopped at step ${step}: ${first.what} is not finite (${figures}); the adapter is as it was after step ${step - 1}. To go on, ${first.remedy}.`,
  );
}

type Finding = { readonly what: string; readonly remedy: string } | undefined;

function inBatches(batches: readonly HostBatch[]): Finding {
  for (const [index, batch] of batches.entries()) {
    for (const [name, array] of Object.entries(batch)) {
      const at = firstNonFinite(array);
      if (at >= 0) {
        const of = batches.length > 1 ? ` of micro-batch ${index}` : '';
        return { what: `element ${at} of batch column "${name}"${of}`, remedy: 'clean the data' };
      }
    }
  }
  return undefined;
}

function inWeights({ weights }: StepPlan): Finding {
  const path = weights.paths.find((candidate) => firstNonFinite(weights.get(candidate)) >= 0);
  return path === undefined ? undefined : { what: `the base weight "${path}"`, remedy: 'load sound weights' };
}

async function inState(state: StepState): Promise<Finding> {
  for (const [path, leaf] of leavesOf(paramsOf(state))) {
    if (!(await isFiniteTensor(leaf))) return { what: `the parameter "${path}"`, remedy: 'start from a sound state' };
  }
  return undefined;
}

// A model that does not state its output size lets a label out of range through to the loss, which makes it NaN.
function refusedByLoss({ plan, state, batches, inputs }: Parameters<typeof nonFiniteError>[0]): PeftError | undefined {
  const outputSize = tf.tidy(() => {
    const [given] = inputs;
    if (!given) return undefined;
    const first = uploadInputs(given) as BatchInputs;
    const { model, weights, strategy, targets } = plan;
    const adapter = { params: state.adapter, state: state.strategy };
    const at = adaptedAt({ weights, modules: model.targets, strategy, adapter, targets, trained: state.trained });
    return model.apply(first.batch, at).shape.at(-1);
  });
  try {
    for (const batch of batches) plan.loss.check?.(batch, outputSize);
    return undefined;
  } catch (error) {
    if (isPeftError(error)) return error;
    throw error;
  }
}

async function inGradients({ plan, state, inputs }: Parameters<typeof nonFiniteError>[0]): Promise<Finding> {
  const remedy = 'lower the learning rate or clip with maxGradientNorm';
  for (const given of inputs) {
    const { loss, grads } = tf.tidy(() => {
      const result = gradientsOf(plan, state, uploadInputs(given) as BatchInputs);
      return { loss: result.loss, grads: Object.fromEntries(result.grads) };
    });
    try {
      if (!(await isFiniteTensor(loss))) return { what: 'the loss', remedy };
      for (const [path, grad] of Object.entries(grads)) {
        if (!(await isFiniteTensor(grad))) return { what: `the gradient of "${path}"`, remedy };
      }
    } finally {
      tf.dispose([loss, ...Object.values(grads)]);
    }
  }
  return undefined;
}

function firstNonFinite(array: HostArray): number {
  if (!/float/.test(array.dtype)) return -1;
  return toFloat32(array).findIndex((value) => !Number.isFinite(value));
}

async function isFiniteTensor(tensor: tf.Tensor): Promise<boolean> {
  return (await tensor.data()).every((value) => Number.isFinite(value));
}
