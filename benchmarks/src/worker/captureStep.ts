import {
  type AnyModel,
  type Engine,
  type FineTuneOptions,
  fineTune,
  type HostInputs,
  type Snapshot,
  type StepFunction,
} from '@peft/core';
import {
  capture,
  type Graph,
  groupProducts,
  type InputTypes,
  type OutputTree,
  runPasses,
  standardPasses,
} from '@peft/graph';
import * as tf from '@tensorflow/tfjs';

/** Passes that take away what need not run and add nothing: no recompute, no grouping. */
const exactPasses = standardPasses.filter((pass) => pass !== groupProducts);

export type CaptureCall = {
  readonly run: (inputs: object) => OutputTree;
  readonly options: { readonly inputs: InputTypes; readonly parameters: Readonly<Record<string, tf.Tensor>> };
};

/** The graph of a run's training step, each operation that it must execute once. Nothing is computed. */
export async function captureStep(model: AnyModel, options: FineTuneOptions): Promise<Graph> {
  const { run, options: call } = await captureCall(model, options);
  return runPasses(capture(run, call), { passes: exactPasses });
}

/** What `capture` is called with for a run's training step; leaves tfjs on its cpu backend. */
export async function captureCall(model: AnyModel, options: FineTuneOptions): Promise<CaptureCall> {
  // There a weight's tensor is its host array itself.
  await tf.setBackend('cpu');
  let call: CaptureCall | undefined;
  const engine: Engine = {
    name: 'capture',
    compile: async (functions) => {
      let state: Snapshot = {};
      return {
        bind: async (next) => {
          state = next;
        },
        run: async (name, inputs) => {
          call = callOf(functions[name], { model, state, inputs });
          throw new Captured();
        },
        state: async () => state,
        release: async () => state,
        dispose: () => {},
      };
    },
  };
  try {
    await fineTune(model, { ...options, engine, progress: false }).result;
  } catch (error) {
    if (!(error instanceof Captured)) throw error;
  }
  if (!call) throw new Error('internal: the run ended without a step; please report this');
  return call;
}

class Captured extends Error {}

function callOf(
  step: StepFunction,
  { model, state, inputs }: { readonly model: AnyModel; readonly state: Snapshot; readonly inputs: HostInputs },
): CaptureCall {
  const parameters = Object.fromEntries(model.weights.paths.map((path) => [path, model.weights.tensor(path)]));
  return {
    run: (all) => {
      const { state: from, inputs: given } = all as { state: Snapshot; inputs: Parameters<StepFunction>[1] };
      const { state: to, metrics } = step(from, given);
      return { state: to, metrics };
    },
    options: { inputs: { state: state as InputTypes, inputs: typesOf(inputs) }, parameters },
  };
}

function typesOf(inputs: HostInputs): InputTypes {
  return Object.fromEntries(
    Object.entries(inputs).map(([key, value]) => {
      if (typeof value === 'number') return [key, { shape: [], dtype: 'float32' }];
      if ('data' in value && ArrayBuffer.isView(value.data)) {
        return [key, { shape: value.shape as readonly number[], dtype: value.dtype as string }];
      }
      return [key, typesOf(value as HostInputs)];
    }),
  );
}
