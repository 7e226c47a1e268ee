import type { Snapshot, StepFunction, TensorInputs } from '@peft/core';
import {
  capture,
  estimateMemory,
  type Graph,
  type InputTypes,
  type OutputTree,
  type Pass,
  recompute,
  runPasses,
  type Structure,
  schedule,
  standardPasses,
  type TensorType,
  type TypedArray,
} from '@peft/graph';
import type { Tensor } from '@tensorflow/tfjs';
import { checkCaptured } from './checkCaptured.ts';
import { CompilerError } from './compilerError.ts';

/** Where a feed of the graph comes from. */
export type Feed =
  | { readonly kind: 'state' | 'input' | 'weight'; readonly path: string }
  | { readonly kind: 'constant'; readonly data: TypedArray };

/** Where a result of the graph goes. */
export interface Result extends TensorType {
  readonly kind: 'state' | 'metric' | 'output';
  readonly path: string;
}

/** A function as a graph, what it is fed and gives back, and the metrics that are plain numbers. */
export interface CapturedFunction {
  readonly graph: Graph;
  /** One for each input of the graph, then one for each of its parameters. */
  readonly feeds: readonly Feed[];
  /** One for each output of the graph. */
  readonly results: readonly Result[];
  readonly numbers: Readonly<Record<string, number>>;
}

export interface CompileOptions {
  /** Bytes that the results of a run may hold at one time. */
  readonly memoryBudget?: number | undefined;
}

export interface CaptureOptions extends CompileOptions {
  /** How the graph is rewritten before it is brought below the budget; the standard passes unless given. */
  readonly passes?: readonly Pass[];
  readonly state: Snapshot;
  /** Shape and dtype of each input, nested as the function takes them. */
  readonly inputs: InputTypes;
  /** Frozen tensors by path. */
  readonly weights: Readonly<Record<string, Tensor>>;
}

/**
 * Writes a step function down as a rewritten graph, without inputs that nothing reads and state that it hands through.
 *
 * @throws CompilerError `compiler/memory`, `compiler/state`, `compiler/metric` for functions that no program can run, and what `capture` throws
 */
export async function captureFunction(
  run: StepFunction,
  { state, inputs, weights, memoryBudget, passes = standardPasses }: CaptureOptions,
): Promise<CapturedFunction> {
  const captured = capture(
    (given) => run(given.state as Snapshot, given.inputs as TensorInputs) as unknown as OutputTree,
    { inputs: { state: state as InputTypes, inputs }, parameters: weights },
  );
  checkCaptured(captured);
  const graph = within(memoryBudget, withoutPassedState(runPasses(captured, { passes })));
  return {
    graph,
    feeds: [
      ...graph.inputs.map(({ name }) => feedOf(name)),
      ...(await Promise.all(graph.parameters.map(parameterOf(weights)))),
    ],
    results: graph.outputs.map(({ name, value: { shape, dtype } }) => ({ ...resultOf(name), shape, dtype })),
    numbers: numbersOf(graph),
  };
}

/** The graph with results computed again where it would hold more than the budget. */
function within(memoryBudget: number | undefined, graph: Graph): Graph {
  if (memoryBudget === undefined) return graph;
  const fitting = runPasses(graph, { passes: [recompute({ budgetBytes: memoryBudget }), schedule] });
  const { peak } = estimateMemory(fitting);
  if (peak <= memoryBudget) return fitting;
  throw new CompilerError(
    'compiler/memory',
    `the results of a step need at least ${peak} bytes at one time, more than the memoryBudget of ${memoryBudget}; use smaller batches, or a larger budget.`,
  );
}

/** The graph without state that is returned as it came, and without inputs that nothing reads. */
function withoutPassedState(graph: Graph): Graph {
  const sources = new Map(graph.inputs.map(({ name, value }) => [name, value]));
  const outputs = graph.outputs.filter(({ name, value }) => sources.get(name) !== value);
  const read = new Set([...graph.nodes.flatMap(({ inputs }) => inputs), ...outputs.map(({ value }) => value)]);
  const structure = structureOf(graph.structure, new Set(outputs.map(({ name }) => name)));
  return { ...graph, outputs, structure, inputs: graph.inputs.filter(({ value }) => read.has(value)) };
}

/** The structure without outputs that are gone. */
function structureOf(structure: Structure, names: ReadonlySet<string>): Structure {
  return Object.fromEntries(
    Object.entries(structure).flatMap(([key, entry]): [string, Structure[string]][] => {
      if (typeof entry === 'number') return [[key, entry]];
      if (typeof entry.output === 'string') return names.has(entry.output) ? [[key, entry]] : [];
      return [[key, structureOf(entry as Structure, names)]];
    }),
  );
}

function feedOf(name: string): Feed {
  const kind = name.startsWith('state/') ? 'state' : 'input';
  return { kind, path: name.slice(name.indexOf('/') + 1) };
}

function resultOf(name: string): Pick<Result, 'kind' | 'path'> {
  const kinds = { state: 'state', metrics: 'metric', outputs: 'output' } as const;
  const place = name.indexOf('/');
  return { kind: kinds[name.slice(0, place) as keyof typeof kinds], path: name.slice(place + 1) };
}

const parameterOf =
  (weights: Readonly<Record<string, Tensor>>) =>
  async ({ name, source }: { readonly name: string; readonly source: Tensor | TypedArray }): Promise<Feed> => {
    if (Object.hasOwn(weights, name)) return { kind: 'weight', path: name };
    const data = 'dataSync' in source ? ((await source.data()) as TypedArray) : source;
    return { kind: 'constant', data };
  };

function numbersOf({ structure }: Graph): Readonly<Record<string, number>> {
  const metrics = Object.entries((structure.metrics ?? {}) as Record<string, unknown>);
  return Object.fromEntries(metrics.filter((entry): entry is [string, number] => typeof entry[1] === 'number'));
}
