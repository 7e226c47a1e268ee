import {
  type Engine,
  type HostArray,
  type HostInputs,
  type Program,
  type Snapshot,
  tensorsOf,
  toTensor,
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
  /** Sees the state and metrics of every step, eager and replayed. */
  readonly compare?: Compare;
  readonly parameters?: Readonly<Record<string, Float32Array | Int32Array>>;
}

/** An engine that captures each step once, rewrites it, and runs every step by replay; beside it runs the eager step. */
export function replayEngine({ onCapture, compare, parameters = {} }: ReplayEngineOptions = {}): Engine {
  return {
    name: 'replay',
    async compile(step): Promise<Program> {
      let state: Snapshot = {};
      let graph: Graph | undefined;
      const take = (next: Snapshot) => {
        const kept = new Set(tensorsOf(next));
        for (const tensor of tensorsOf(state)) if (!kept.has(tensor)) tensor.dispose();
        state = next;
      };
      return {
        bind: take,
        async step(given) {
          const inputs = tf.tidy(() => uploaded(given));
          if (!graph) {
            const captured = captureStep((all) => step(all.state, all.inputs) as never, { state, inputs }, parameters);
            onCapture?.(captured, { state, inputs });
            graph = captured.rewritten;
          }
          const replayed = replay(graph, { state, inputs } as never);
          if (compare) {
            const eager = tf.tidy(() => step(state, inputs as never) as never) as Nested<tf.Tensor>;
            compare({ eager, replayed });
            const kept = new Set(tensorsOf(state));
            for (const tensor of tensorsOf(eager as never)) if (!kept.has(tensor)) tensor.dispose();
          }
          const { metrics, state: next } = replayed as unknown as {
            metrics: Record<string, tf.Tensor>;
            state: Snapshot;
          };
          const values = Object.fromEntries(
            Object.entries(metrics).map(([name, tensor]) => [name, tensor.dataSync()[0] as number]),
          );
          tf.dispose([metrics, inputs]);
          take(withNumbersOf(next, state));
          return values;
        },
        state: async () => state,
        release() {
          const held = state;
          state = {};
          return held;
        },
        dispose: () => take({}),
      };
    },
  };
}

/** Numbers of the state change between steps on the host, and a step passes them through. */
function withNumbersOf(next: Snapshot, before: Snapshot): Snapshot {
  return Object.fromEntries(
    Object.entries(next).map(([key, entry]) => {
      if (typeof entry === 'number') return [key, before[key] as number];
      return [key, entry instanceof tf.Tensor ? entry : withNumbersOf(entry as Snapshot, before[key] as Snapshot)];
    }),
  );
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

function uploaded(inputs: HostInputs): { [key: string]: tf.Tensor } {
  return Object.fromEntries(
    Object.entries(inputs).map(([key, value]) => {
      if (typeof value === 'number') return [key, tf.scalar(value)];
      const isArray = ArrayBuffer.isView((value as HostArray).data);
      return [key, isArray ? toTensor(value as HostArray) : (uploaded(value as HostInputs) as never)];
    }),
  );
}
