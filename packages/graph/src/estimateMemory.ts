import type { Graph, Value } from './graph.ts';
import { bytesOf } from './tensorType.ts';

export interface MemoryEstimate {
  readonly inputs: number;
  readonly parameters: number;
  readonly constants: number;
  /** The most that results of nodes, outputs among them, hold at one time. */
  readonly peak: number;
  /** Index of the node that runs at that time; -1 without nodes. */
  readonly peakNode: number;
}

const views = new Set(['ExpandDims', 'Identity', 'Reshape']);

/**
 * Bytes a run needs, before anything is allocated, when every result is freed after its last use. A reshape shares the
 * memory of what it reshapes; a constant of one value counts as one element.
 */
export function estimateMemory({ inputs, parameters, constants, nodes, outputs }: Graph): MemoryEstimate {
  const owners = new Map<Value, Value>();
  const ownerOf = (value: Value) => owners.get(value) ?? value;
  const last = new Map<Value, number>();
  for (const [index, node] of nodes.entries()) {
    const source = node.inputs[0];
    for (const output of node.outputs) {
      if (views.has(node.op) && source) owners.set(output, ownerOf(source));
      else last.set(output, index);
    }
    for (const input of node.inputs) if (last.has(ownerOf(input))) last.set(ownerOf(input), index);
  }
  for (const { value } of outputs) if (last.has(ownerOf(value))) last.set(ownerOf(value), nodes.length);
  const freed = new Map<number, number>();
  for (const [value, index] of last) freed.set(index, (freed.get(index) ?? 0) + bytesOf(value));
  let held = 0;
  let peak = 0;
  let peakNode = -1;
  for (const [index, node] of nodes.entries()) {
    for (const output of node.outputs) if (!owners.has(output)) held += bytesOf(output);
    if (held > peak) [peak, peakNode] = [held, index];
    held -= freed.get(index) ?? 0;
  }
  return {
    inputs: total(inputs.map(({ value }) => bytesOf(value))),
    parameters: total(parameters.map(({ value }) => bytesOf(value))),
    constants: total(constants.map(({ value, data }) => (typeof data === 'number' ? 4 : bytesOf(value)))),
    peak,
    peakNode,
  };
}

function total(bytes: readonly number[]): number {
  return bytes.reduce((sum, each) => sum + each, 0);
}
