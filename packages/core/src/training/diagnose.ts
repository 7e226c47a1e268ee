import { isPeftError, PeftError } from '@peft/ops';
import type * as tf from '@tensorflow/tfjs';
import type { HostInputs, Program, StepMetrics } from '../engine.ts';
import { type HostArray, toFloat32 } from '../hostArray.ts';
import { leavesOf } from '../tree.ts';
import type { HostBatch } from './loss.ts';
import { paramsOf, type StepPlan, type StepState } from './stepPlan.ts';

type Call = {
  readonly step: number;
  readonly batches: readonly HostBatch[];
  /** Of every batch, as the step had them. */
  readonly inputs: readonly HostInputs[];
  readonly plan: StepPlan;
  readonly program: Program<'inspect'>;
  readonly metrics: StepMetrics;
};

type Inspection = Readonly<Record<string, number>>;

/** Finds the first tensor that is not finite in the order data, weights, parameters, loss, gradients, and says so. */
export async function nonFiniteError(call: Call): Promise<PeftError> {
  const { step, metrics } = call;
  const early = inBatches(call.batches) ?? inWeights(call.plan) ?? (await inState(call.program));
  const inspections = early ? [] : await inspect(call);
  const refused = early ? undefined : refusedByLoss(call, inspections);
  if (refused) return new PeftError(refused.code, `training stopped at step ${step}: ${refused.message}`);
  const found = early ?? inGradients(inspections);
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

async function inState(program: Program<'inspect'>): Promise<Finding> {
  const state = (await program.state()) as StepState;
  for (const [path, leaf] of leavesOf(paramsOf(state))) {
    if (!(await isFiniteTensor(leaf))) return { what: `the parameter "${path}"`, remedy: 'start from a sound state' };
  }
  return undefined;
}

/** What a batch's forward and backward pass gives, read back: a NaN for what is not finite. */
async function inspect({ program, inputs }: Call): Promise<readonly Inspection[]> {
  const inspections: Inspection[] = [];
  for (const batch of inputs) {
    const { outputs } = await program.run('inspect', batch);
    inspections.push(Object.fromEntries(Object.entries(outputs).map(([name, { data }]) => [name, Number(data[0])])));
  }
  return inspections;
}

// A model that does not state its output size lets a label out of range through to the loss, which makes it NaN.
function refusedByLoss({ plan, batches }: Call, inspections: readonly Inspection[]): PeftError | undefined {
  try {
    for (const [index, batch] of batches.entries()) plan.loss.check?.(batch, inspections[index]?.outputSize);
    return undefined;
  } catch (error) {
    if (isPeftError(error)) return error;
    throw error;
  }
}

// Where a compiled step finds no row for an id, it reads NaN.
const wrongIds = 'and where it is so from the first step, see that every id of the data has a row in its table';

function inGradients(inspections: readonly Inspection[]): Finding {
  const remedy = 'lower the learning rate or clip with maxGradientNorm';
  for (const { outputSize: _, ...values } of inspections) {
    const found = Object.entries(values).find(([, value]) => !Number.isFinite(value));
    if (found?.[0] === 'loss') return { what: 'the loss', remedy: `${remedy}, ${wrongIds}` };
    if (found) return { what: `the gradient of "${found[0]}"`, remedy };
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
