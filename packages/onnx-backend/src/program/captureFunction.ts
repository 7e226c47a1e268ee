import type { Snapshot, StepFunction, TensorInputs } from '@peft/core';
import {
  capture,
  estimateMemory,
  type Graph,
  type InputTypes,
  type OutputTree,
  recompute,
  runPasses,
  schedule,
  type TensorType,
  type TypedArray,
  toOnnx,
} from '@peft/graph';
import type { Tensor } from '@tensorflow/tfjs';
import { OnnxError } from '../onnxError.ts';
import type { Model, Port } from '../runtime.ts';

/** Where a feed of the model comes from. */
export type Feed =
  | { readonly kind: 'state' | 'input' | 'weight'; readonly path: string }
  | { readonly kind: 'constant'; readonly data: TypedArray };

/** Where a result of the model goes. */
export interface Result extends TensorType {
  readonly kind: 'state' | 'metric' | 'output';
  readonly path: string;
}

/** A function as a model, what its feeds and results are, and the metrics that are plain numbers. */
export interface CapturedFunction {
  readonly model: Model;
  readonly feeds: readonly Feed[];
  readonly results: readonly Result[];
  readonly numbers: Readonly<Record<string, number>>;
}

export interface CompileOptions {
  /** Bytes that the results of a run may hold at one time. */
  readonly memoryBudget?: number | undefined;
}

export interface CaptureOptions extends CompileOptions {
  readonly state: Snapshot;
  /** Shape and dtype of each input, nested as the function takes them. */
  readonly inputs: InputTypes;
  /** Frozen tensors by path. */
  readonly weights: Readonly<Record<string, Tensor>>;
}

/**
 * Writes a step function down as an ONNX model whose weights are inputs. State that it hands through is left out.
 *
 * @throws OnnxError `onnx/memory`, `onnx/state`, `onnx/metric` for functions that no program can run, and what `capture` throws
 */
export async function captureFunction(
  run: StepFunction,
  { state, inputs, weights, memoryBudget }: CaptureOptions,
): Promise<CapturedFunction> {
  const captured = capture(
    (given) => run(given.state as Snapshot, given.inputs as TensorInputs) as unknown as OutputTree,
    { inputs: { state: state as InputTypes, inputs }, parameters: weights },
  );
  checkState(captured);
  const graph = within(memoryBudget, withoutPassedState(runPasses(captured)));
  const {
    model,
    inputs: ports,
    parameters,
    outputs,
  } = toOnnx(withoutNames(graph), {
    weights: 'inputs',
    dialect: 'onnxruntime',
  });
  const feeds = [
    ...graph.inputs.map(({ name }) => feedOf(name)),
    ...(await Promise.all(graph.parameters.map(parameterOf(weights)))),
  ];
  return {
    model: { bytes: model, feeds: [...ports, ...parameters.map(asFrozen)], results: outputs },
    feeds,
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
  throw new OnnxError(
    'onnx/memory',
    `the results of a step need at least ${peak} bytes at one time, more than the memoryBudget of ${memoryBudget}; use smaller batches, or a larger budget.`,
  );
}

/** Every leaf of the state comes back, in the type it has. */
function checkState({ inputs, outputs }: Graph): void {
  const given = new Map(inputs.filter(isState).map(({ name, value }) => [name, value]));
  const returned = new Map(outputs.filter(isState).map(({ name, value }) => [name, value]));
  const text = (value: TensorType) => `${value.dtype}[${value.shape}]`;
  const problems = [...given].flatMap(([name, value]) => {
    const next = returned.get(name);
    if (next === undefined) return [`"${name}" is not returned`];
    return text(next) === text(value) ? [] : [`"${name}" is ${text(value)} and returned as ${text(next)}`];
  });
  for (const name of returned.keys()) if (!given.has(name)) problems.push(`"${name}" is new`);
  if (problems.length > 0) {
    throw new OnnxError(
      'onnx/state',
      `a compiled function returns the state it was given, leaf for leaf in the same types; this one does not:\n  ${problems.join('\n  ')}`,
    );
  }
  const uneven = outputs.filter(({ name, value }) => name.startsWith('metrics/') && value.shape.length > 0);
  if (uneven.length === 0) return;
  throw new OnnxError(
    'onnx/metric',
    `metrics are 0-d tensors; reduce these, or return them as outputs: ${uneven.map(({ name }) => name).join(', ')}.`,
  );
}

const asFrozen = (port: Port): Port => ({ ...port, isFrozen: true });

const isState = ({ name }: { readonly name: string }) => name.startsWith('state/');

/** The graph without state that is returned as it came, and without inputs that nothing reads. */
function withoutPassedState(graph: Graph): Graph {
  const sources = new Map(graph.inputs.map(({ name, value }) => [name, value]));
  const outputs = graph.outputs.filter(({ name, value }) => sources.get(name) !== value);
  const read = new Set([...graph.nodes.flatMap(({ inputs }) => inputs), ...outputs.map(({ value }) => value)]);
  return { ...graph, outputs, inputs: graph.inputs.filter(({ value }) => read.has(value)) };
}

/** The graph by places instead of names, so that functions that differ in names alone are one model. */
function withoutNames(graph: Graph): Graph {
  const renamed = <Named extends { readonly name: string }>(all: readonly Named[], kind: string) =>
    all.map((each, index) => ({ ...each, name: `${kind}${index}` }));
  return {
    ...graph,
    inputs: renamed(graph.inputs, 'input'),
    parameters: renamed(graph.parameters, 'parameter'),
    outputs: renamed(graph.outputs, 'output'),
  };
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
