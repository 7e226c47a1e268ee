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
  algebra,
  aliases,
  capture,
  commonSubexpressions,
  deadCode,
  folding,
  type Graph,
  type InputTypes,
  reshapesOutward,
  runPasses,
  transposesIntoProducts,
} from '@peft/graph';

/** Passes that take away what need not run and add nothing: no recompute, no grouping. */
const exactPasses = [
  deadCode,
  aliases,
  folding,
  algebra,
  reshapesOutward,
  transposesIntoProducts,
  commonSubexpressions,
];

/** The graph of a run's training step, each operation that it must execute once. Nothing is computed. */
export async function captureStep(model: AnyModel, options: FineTuneOptions): Promise<Graph> {
  let graph: Graph | undefined;
  const engine: Engine = {
    name: 'capture',
    compile: async (functions) => {
      let state: Snapshot = {};
      return {
        bind: async (next) => {
          state = next;
        },
        run: async (name, inputs) => {
          graph = captured(functions[name], { model, state, inputs });
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
  if (!graph) throw new Error('internal: the run ended without a step; please report this');
  return graph;
}

class Captured extends Error {}

function captured(
  run: StepFunction,
  { model, state, inputs }: { readonly model: AnyModel; readonly state: Snapshot; readonly inputs: HostInputs },
): Graph {
  const parameters = Object.fromEntries(model.weights.paths.map((path) => [path, model.weights.get(path).data]));
  const types = { state: state as InputTypes, inputs: typesOf(inputs) };
  const call = (all: object) => {
    const { state: from, inputs: given } = all as { state: Snapshot; inputs: Parameters<StepFunction>[1] };
    const { state: to, metrics } = run(from, given);
    return { state: to, metrics };
  };
  return runPasses(capture(call, { inputs: types, parameters: parameters as never }), { passes: exactPasses });
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
