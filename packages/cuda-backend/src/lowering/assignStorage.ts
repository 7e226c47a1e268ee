import type { Graph, Node, OpName, Value } from '@peft/graph';
import type { Storage } from '../plan/storage.ts';
import { cudaRowOf } from './cudaTable.ts';
import type { Precision } from './emitter.ts';
import { leadingValues, products } from './leadingValues.ts';

/** Operations that read rows of a table. */
const lookups = new Set<OpName>(['GatherV2', 'PeftGather']);

/** Operations that make few numbers of many. */
const reductions = new Set<OpName>(['Max', 'Mean', 'Min', 'Prod', 'Sum']);

const views = new Set<OpName>(['ExpandDims', 'Identity', 'Reshape']);

/**
 * How each value lies in memory. Without bf16 every float is f32.
 *
 * With it, a float is bf16 where it is on the way from what a run is given to a product, which rounds it anyway:
 * activations and their gradients. What only the state makes (penalties, norms of weights) or what no product reads
 * (gradients of trained leaves, moments, scores, losses) is f32; so are scalars, what a reduction makes, what a row calls
 * exact, and what the graph returns. A frozen weight is bf16 where products or lookups read it as a matrix.
 */
export function assignStorage(graph: Graph, precision: Precision): (value: Value) => Storage {
  const narrow = precision === 'bf16' ? narrowValues(graph) : new Set<Value>();
  return (value) => {
    if (value.dtype === 'int32') return 'i32';
    if (value.dtype === 'bool') return 'u8';
    return narrow.has(value) ? 'bf16' : 'f32';
  };
}

function narrowValues(graph: Graph): ReadonlySet<Value> {
  const { inputs, parameters, nodes, outputs } = graph;
  const given = new Set<Value>(inputs.flatMap(({ name, value }) => (name.startsWith('state/') ? [] : [value])));
  for (const node of nodes) if (node.inputs.some((input) => given.has(input))) addAll(given, node.outputs);
  const leading = leadingValues(graph);
  const exact = exactValues(nodes, new Set(outputs.map(({ value }) => value)));
  const narrow = new Set<Value>();
  for (const node of nodes) {
    for (const output of node.outputs) {
      const isActivation = given.has(output) && leading.has(output) && output.shape.length > 0 && !exact.has(output);
      const source = node.inputs[0] as Value;
      if (views.has(node.op) ? narrow.has(source) : isActivation) narrow.add(output);
    }
  }
  addAll(narrow, narrowWeights(new Set(parameters.map(({ value }) => value)), nodes));
  return narrow;
}

/** What stays f32 for its own sake; a view is as exact as what it shows. */
function exactValues(nodes: readonly Node[], returned: ReadonlySet<Value>): ReadonlySet<Value> {
  const exact = new Set(returned);
  for (const node of nodes.toReversed()) {
    const { exact: places = [] } = cudaRowOf(node.op) ?? {};
    if (reductions.has(node.op)) addAll(exact, node.outputs);
    addAll(
      exact,
      places.map((place) => node.outputs[place] as Value),
    );
    if (views.has(node.op) && node.outputs.some((output) => exact.has(output))) exact.add(node.inputs[0] as Value);
  }
  return exact;
}

/** Frozen matrices that products or lookups read, through views too. */
function narrowWeights(weights: ReadonlySet<Value>, nodes: readonly Node[]): readonly Value[] {
  const owners = new Map<Value, Value>();
  const ownerOf = (value: Value) => owners.get(value) ?? value;
  const found = new Set<Value>();
  for (const { op, inputs, outputs } of nodes) {
    if (views.has(op)) owners.set(outputs[0] as Value, ownerOf(inputs[0] as Value));
    if (!products.has(op) && !lookups.has(op)) continue;
    for (const input of inputs) {
      const owner = ownerOf(input);
      const isMatrix = owner.shape.length >= 2 && owner.dtype === 'float32';
      if (weights.has(owner) && isMatrix) found.add(owner);
    }
  }
  return [...found, ...[...owners].flatMap(([view, owner]) => (found.has(owner) ? [view] : []))];
}

function addAll<Each>(set: Set<Each>, all: readonly Each[]): void {
  for (const each of all) set.add(each);
}
