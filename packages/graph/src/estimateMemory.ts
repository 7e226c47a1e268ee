import type { Graph, Node, Value } from './graph.ts';
import type { OpName } from './ops/opAttributes.ts';
import { bytesOf, isSameType } from './tensorType.ts';

export interface MemoryEstimate {
  readonly inputs: number;
  readonly parameters: number;
  readonly constants: number;
  /** The most that results of nodes, outputs among them, hold at one time. */
  readonly peak: number;
  /** Index of the node that runs at that time; -1 without nodes. */
  readonly peakNode: number;
}

/** Results that are another shape of the same memory. */
const views = new Set<OpName>(['ExpandDims', 'Identity', 'Reshape']);

/** Operations that ONNX Runtime writes over an operand nobody reads afterwards. */
const inPlace = new Set<OpName>([
  'Abs',
  'Add',
  'AddN',
  'Exp',
  'Log',
  'Multiply',
  'Neg',
  'RealDiv',
  'Reciprocal',
  'Relu',
  'Sigmoid',
  'Sqrt',
  'Sub',
  'Tanh',
]);

/** Bytes that the ONNX nodes of one operation hold beside its inputs and outputs. */
function scratchOf({ op, inputs, outputs }: Node): number {
  const size = bytesOf(outputs[0] as Value);
  switch (op) {
    case 'PeftAttention':
      return bytesOf(outputs[1] as Value) + 2 * bytesOf(inputs[0] as Value);
    case 'PeftAttentionGrad':
    case 'PeftSoftmaxCrossEntropyGrad':
      return size;
    case 'PeftGeluGrad':
    case 'PeftGeluTanhGrad':
      return 2 * size;
    case 'PeftDropout':
    case 'PeftLayerNormGrad':
      return 3 * size;
    case 'PeftSoftmaxCrossEntropy':
      return 2 * bytesOf(inputs[0] as Value);
    default:
      return 0;
  }
}

/** Inputs that a row has and its ONNX does not read. */
const unread = new Map<OpName, number>([['PeftGeluGrad', 1]]);

/** Which memory each result of a graph uses, and until when. */
export interface Liveness {
  /** The value whose memory a result shares: itself, unless it is a view. */
  readonly ownerOf: (value: Value) => Value;
  /** Index of the node that reads the memory last; the number of nodes for outputs. Absent for what no node made. */
  readonly lastUse: ReadonlyMap<Value, number>;
  /** Bytes in use while each node runs. */
  readonly held: readonly number[];
}

/** The inputs that a run reads. */
export function readBy({ op, inputs }: Node): readonly Value[] {
  const place = unread.get(op);
  return place === undefined ? inputs : inputs.filter((_, index) => index !== place);
}

/** Follows every result through a run in the order of the nodes, each freed after its last use. */
export function livenessOf({ nodes, outputs }: Pick<Graph, 'nodes' | 'outputs'>): Liveness {
  const owners = new Map<Value, Value>();
  const ownerOf = (value: Value) => owners.get(value) ?? value;
  const lastUse = new Map<Value, number>();
  for (const [index, node] of nodes.entries()) {
    const source = node.inputs[0];
    for (const output of node.outputs) {
      if (views.has(node.op) && source) owners.set(output, ownerOf(source));
      else lastUse.set(output, index);
    }
    for (const input of readBy(node)) {
      const owner = ownerOf(input);
      if (lastUse.has(owner)) lastUse.set(owner, index);
    }
  }
  for (const { value } of outputs) {
    if (lastUse.has(ownerOf(value))) lastUse.set(ownerOf(value), nodes.length);
  }
  const held: number[] = [];
  let now = 0;
  for (const [index, node] of nodes.entries()) {
    const dying = new Set(node.inputs.map(ownerOf).filter((owner) => lastUse.get(owner) === index));
    for (const output of node.outputs) if (!owners.has(output)) now += bytesOf(output);
    const [output] = node.outputs as readonly [Value];
    const isOverwritten = inPlace.has(node.op) && [...dying].some((value) => isSameType(value, output));
    held.push(now + scratchOf(node) - (isOverwritten ? bytesOf(output) : 0));
    for (const value of dying) now -= bytesOf(value);
    for (const each of node.outputs) if (lastUse.get(each) === index) now -= bytesOf(each);
  }
  return { ownerOf, lastUse, held };
}

/**
 * Bytes a run needs, before anything is allocated, when every result is freed after its last use. A reshape shares the
 * memory of what it reshapes, sums and products are written over an operand that nobody reads afterwards, and a constant
 * of one value counts as one element.
 */
export function estimateMemory(graph: Graph): MemoryEstimate {
  const { inputs, parameters, constants } = graph;
  let [peak, peakNode] = [0, -1];
  for (const [index, held] of livenessOf(graph).held.entries()) if (held > peak) [peak, peakNode] = [held, index];
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
