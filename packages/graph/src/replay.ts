import * as tf from '@tensorflow/tfjs';
import { checkInputs } from './checkInputs.ts';
import { evaluateNode } from './evaluate.ts';
import type { Graph, Node, Value } from './graph.ts';
import type { HostTensor } from './ops/opRow.ts';
import { rowOf } from './ops/opTable.ts';
import { type Nested, outputTree } from './outputTree.ts';
import { sizeOf, type TypedArray, typedArray } from './tensorType.ts';

/** Tensors by name, nested as the captured function took them. Numbers are ignored: the graph has them. */
export type InputTensors = { readonly [key: string]: tf.Tensor | number | InputTensors };

/**
 * Runs a graph on the active tfjs backend, kernel by kernel: the reference executor. An operation that the backend has
 * no kernel for runs by its reference on the host.
 *
 * Returns new tensors, nested as the captured function returned them. @throws GraphError `graph/input`
 */
export function replay(graph: Graph, inputs: InputTensors): Nested<tf.Tensor> {
  const given = new Map(leavesOf(inputs, ''));
  checkInputs(graph, given);
  const outputs = new Map<string, tf.Tensor>();
  tf.tidy(() => {
    const values = new Map<Value, tf.Tensor>();
    for (const { name, value } of graph.inputs) values.set(value, given.get(name) as tf.Tensor);
    for (const { value, source } of graph.parameters) {
      values.set(value, 'dataSync' in source ? source : upload(value, source));
    }
    for (const { value, data } of graph.constants) values.set(value, upload(value, data));
    const lastUses = lastUsesOf(graph);
    for (const [index, node] of graph.nodes.entries()) {
      const results = runNode(
        node,
        node.inputs.map((input) => values.get(input) as tf.Tensor),
      );
      for (const [place, output] of node.outputs.entries()) values.set(output, results[place] as tf.Tensor);
      for (const value of lastUses.get(index) ?? []) values.get(value)?.dispose();
    }
    for (const { name, value } of graph.outputs) outputs.set(name, tf.keep(tf.clone(values.get(value) as tf.Tensor)));
  });
  return outputTree(graph, outputs);
}

function leavesOf(tree: InputTensors, prefix: string): [string, tf.Tensor][] {
  return Object.entries(tree).flatMap(([key, entry]): [string, tf.Tensor][] => {
    if (typeof entry === 'number') return [];
    return entry instanceof tf.Tensor ? [[`${prefix}${key}`, entry]] : leavesOf(entry, `${prefix}${key}/`);
  });
}

function upload({ shape, dtype }: Value, data: number | TypedArray): tf.Tensor {
  const values = typeof data === 'number' ? typedArray(dtype, sizeOf(shape)).fill(data) : data;
  return tf.tensor(values, [...shape], dtype);
}

function runNode(node: Node, inputs: readonly tf.Tensor[]): readonly tf.Tensor[] {
  const { op, attributes, outputs } = node;
  if (tf.getKernel(op, tf.getBackend()) === undefined) return runOnHost(node, inputs);
  const names = rowOf(op).inputs;
  const given = names === 'list' ? inputs : Object.fromEntries(inputs.map((input, index) => [names[index], input]));
  const result = tf
    .engine()
    .runKernel(op, given as unknown as tf.NamedTensorMap, { ...attributes } as unknown as tf.NamedAttrMap);
  const results = Array.isArray(result) ? result : [result];
  return results.slice(0, outputs.length);
}

function runOnHost(node: Node, inputs: readonly tf.Tensor[]): readonly tf.Tensor[] {
  const host = inputs.map((each) => ({ shape: each.shape, dtype: each.dtype, data: each.dataSync() }) as HostTensor);
  return evaluateNode(node, host).map((data, index) => {
    const { shape, dtype } = node.outputs[index] as Value;
    return tf.tensor(typedArray(dtype, data), [...shape], dtype);
  });
}

/** The values that nothing reads after each node, made by nodes and no outputs. */
function lastUsesOf({ nodes, outputs }: Graph): ReadonlyMap<number, readonly Value[]> {
  const kept = new Set(outputs.map(({ value }) => value));
  const last = new Map<Value, number>();
  for (const [index, node] of nodes.entries()) {
    for (const output of node.outputs) last.set(output, index);
    for (const input of node.inputs) if (last.has(input)) last.set(input, index);
  }
  const uses = new Map<number, Value[]>();
  for (const [value, index] of last) {
    if (!kept.has(value)) uses.set(index, [...(uses.get(index) ?? []), value]);
  }
  return uses;
}
