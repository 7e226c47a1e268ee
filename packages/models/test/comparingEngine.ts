import {
  type Engine,
  eagerEngine,
  leavesOf,
  type StepFunction,
  type Tree,
  uploadInputs,
  type Weights,
} from '@peft/core';
import { capture, checkGraph, type Graph, type InputTypes, replay, runPasses } from '@peft/graph';
import * as tf from '@tensorflow/tfjs';

export type Comparison = {
  readonly name: string;
  readonly graph: Graph;
  /** Every result by path, eager and replayed. */
  readonly results: ReadonlyMap<string, Readonly<Record<'eager' | 'replayed', ArrayLike<number>>>>;
};

/** Runs eagerly, and beside it each function captured, rewritten and replayed on the same state and inputs. */
export function comparingEngine(onRun: (comparison: Comparison) => void): Engine {
  return {
    name: 'comparing',
    async compile(functions, weights) {
      const program = await eagerEngine().compile(functions, weights);
      const graphs = new Map<string, Graph>();
      return {
        ...program,
        async run(name, inputs) {
          const step = functions[name] as StepFunction;
          const state = await program.state();
          const given = { state, inputs: tf.tidy(() => uploadInputs(inputs)) };
          const run = (all: typeof given) => step(all.state, all.inputs as never);
          const graph = graphs.get(name) ?? captured(run as never, given as never, weights);
          graphs.set(name, graph);
          const [eager, replayed] = [() => run(given), () => replay(graph, given as never)].map(valuesOf);
          const results = [...(eager ?? [])].map(
            ([path, values]) => [path, { eager: values, replayed: replayed?.get(path) ?? [] }] as const,
          );
          onRun({ name, graph, results: new Map(results) });
          tf.dispose(given.inputs as never);
          return program.run(name, inputs);
        },
      };
    },
  };
}

function valuesOf(compute: () => unknown): ReadonlyMap<string, ArrayLike<number>> {
  return tf.tidy(() => {
    const leaves = leavesOf(compute() as Tree).filter(([, leaf]) => leaf instanceof tf.Tensor);
    return new Map(leaves.map(([path, leaf]) => [path, leaf.dataSync()])) as never;
  });
}

function captured(run: never, inputs: InputTypes, weights: Weights): Graph {
  const parameters = Object.fromEntries(weights.paths.map((path) => [path, weights.get(path).data]));
  return runPasses(capture(run, { inputs, parameters: parameters as Record<string, Float32Array> }), {
    onPass: (_, each) => checkGraph(each),
  });
}
