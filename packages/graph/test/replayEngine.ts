import {
  type Engine,
  hostArray,
  leavesOf,
  mapLeaves,
  type Program,
  type Snapshot,
  type StepFunction,
  tensorsOf,
  uploadInputs,
  type Weights,
} from '@peft/core';
import * as tf from '@tensorflow/tfjs';
import { capture, checkGraph, type Graph, type InputTypes, type Nested, replay, runPasses } from '../src/index.ts';

/** One captured program and what its steps were compared with. */
export interface Captured {
  readonly raw: Graph;
  readonly rewritten: Graph;
  readonly milliseconds: { readonly capture: number; readonly passes: number };
}

type Compare = (step: { readonly eager: Nested<tf.Tensor>; readonly replayed: Nested<tf.Tensor> }) => void;

export interface ReplayEngineOptions {
  readonly onCapture?: (captured: Captured, given: { readonly state: Snapshot; readonly inputs: object }) => void;
  /** Sees the results of every run, eager and replayed. */
  readonly compare?: Compare;
}

/** An engine that captures each function once, rewrites it, and runs it by replay; beside it runs the eager function. */
export function replayEngine({ onCapture, compare }: ReplayEngineOptions = {}): Engine {
  return {
    name: 'replay',
    async compile(functions, weights): Promise<Program> {
      let state: Snapshot = {};
      const graphs = new Map<string, Graph>();
      const take = (next: Snapshot) => {
        const kept = new Set(tensorsOf(next));
        for (const tensor of tensorsOf(state)) if (!kept.has(tensor)) tensor.dispose();
        state = next;
      };
      const graphOf = (name: string, inputs: object) => {
        const known = graphs.get(name);
        if (known) return known;
        const step = (functions as Readonly<Record<string, StepFunction>>)[name] as StepFunction;
        const captured = captureStep(
          (all) => step(all.state, all.inputs) as never,
          { state, inputs },
          arraysOf(weights),
        );
        onCapture?.(captured, { state, inputs });
        graphs.set(name, captured.rewritten);
        return captured.rewritten;
      };
      return {
        bind: async (next) => take(next),
        async run(name, given) {
          const inputs = tf.tidy(() => uploadInputs(given));
          const graph = graphOf(name, inputs);
          const replayed = replay(graph, { state, inputs } as never);
          if (compare) {
            const step = (functions as Readonly<Record<string, StepFunction>>)[name] as StepFunction;
            const eager = tf.tidy(() => step(state, inputs as never) as never) as Nested<tf.Tensor>;
            compare({ eager, replayed });
            const kept = new Set(tensorsOf(state));
            for (const tensor of tensorsOf(eager as never)) if (!kept.has(tensor)) tensor.dispose();
          }
          const {
            metrics,
            outputs = {},
            state: next,
          } = replayed as unknown as {
            metrics: Record<string, tf.Tensor>;
            outputs?: Record<string, tf.Tensor>;
            state: Snapshot;
          };
          const values = Object.fromEntries(
            Object.entries(metrics).map(([key, tensor]) => [key, tensor.dataSync()[0] as number]),
          );
          const read = Object.fromEntries(
            Object.entries(outputs).map(([key, tensor]) => [
              key,
              hostArray(tensor.dataSync<'float32'>(), tensor.shape),
            ]),
          );
          tf.dispose([metrics, outputs, inputs]);
          take(withUnchanged(next, { before: state, graph }));
          return { metrics: values, outputs: read };
        },
        state: async () => state,
        async release() {
          const held = state;
          state = {};
          return held;
        },
        dispose: () => take({}),
      };
    },
  };
}

function arraysOf(weights: Weights): Readonly<Record<string, Float32Array>> {
  return Object.fromEntries(weights.paths.map((path) => [path, weights.get(path).data as Float32Array]));
}

/** Numbers, which a step passes through, and the very tensors of leaves that the graph returns as they came in. */
function withUnchanged(
  next: Snapshot,
  { before, graph }: { readonly before: Snapshot; readonly graph: Graph },
): Snapshot {
  const inputs = new Map(graph.inputs.map(({ name, value }) => [name, value]));
  const outputs = new Map(graph.outputs.map(({ name, value }) => [name, value]));
  const known = new Map(leavesOf(before));
  return mapLeaves(next, (leaf, path) => {
    const isSame = typeof leaf === 'number' || outputs.get(`state/${path}`) === inputs.get(`state/${path}`);
    if (isSame && typeof leaf !== 'number') leaf.dispose();
    return isSame ? (known.get(path) as tf.Tensor | number) : leaf;
  });
}

type Step = (all: { readonly state: Snapshot; readonly inputs: never }) => never;

function captureStep(
  step: Step,
  inputs: object,
  parameters: Readonly<Record<string, Float32Array | Int32Array>>,
): Captured {
  const tensors = tf.memory().numTensors;
  const buffers = tf.memory().numDataBuffers;
  const begin = performance.now();
  const raw = capture(step as never, { inputs: inputs as InputTypes, parameters });
  const middle = performance.now();
  const rewritten = runPasses(raw, { onPass: (_pass, graph) => checkGraph(graph) });
  const end = performance.now();
  checkGraph(raw);
  if (tf.memory().numTensors !== tensors || tf.memory().numDataBuffers !== buffers) {
    throw new Error(
      `capture left ${tf.memory().numTensors - tensors} tensors, ${tf.memory().numDataBuffers - buffers} buffers`,
    );
  }
  return { raw, rewritten, milliseconds: { capture: middle - begin, passes: end - middle } };
}
