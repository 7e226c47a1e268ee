import { checkInputs } from './checkInputs.ts';
import type { Graph, Node, Value } from './graph.ts';
import { GraphError } from './graphError.ts';
import type { HostTensor } from './ops/opRow.ts';
import { rowOf } from './ops/opTable.ts';
import { type DType, sizeOf, typedArray } from './tensorType.ts';

export interface EvaluateOptions {
  /** 'float64' keeps every float in double precision: the oracle. 'float32' rounds after every operation. */
  readonly precision?: 'float32' | 'float64';
}

/** Runs a graph on the host by the references of the op table, in plain loops; outputs by name. @throws GraphError `graph/input` */
export function evaluate(
  graph: Graph,
  inputs: ReadonlyMap<string, HostTensor>,
  { precision = 'float64' }: EvaluateOptions = {},
): ReadonlyMap<string, HostTensor> {
  checkInputs(graph, inputs);
  const values = new Map<Value, HostTensor>();
  const store = (value: Value, data: ArrayLike<number>) =>
    values.set(value, { shape: value.shape, dtype: value.dtype, data: rounded(data, value.dtype, precision) });
  for (const { name, value } of graph.inputs) store(value, (inputs.get(name) as HostTensor).data);
  for (const { value, source } of graph.parameters) {
    store(value, 'dataSync' in source ? source.dataSync<'float32'>() : source);
  }
  for (const { value, data } of graph.constants) {
    store(value, typeof data === 'number' ? new Float64Array(sizeOf(value.shape)).fill(data) : data);
  }
  for (const node of graph.nodes) {
    const results = evaluateNode(
      node,
      node.inputs.map((input) => values.get(input) as HostTensor),
    );
    for (const [index, output] of node.outputs.entries()) store(output, results[index] as ArrayLike<number>);
  }
  return new Map(graph.outputs.map(({ name, value }) => [name, values.get(value) as HostTensor]));
}

/** The outputs of one node by its reference. */
export function evaluateNode(node: Node, inputs: readonly HostTensor[]): readonly ArrayLike<number>[] {
  const { op, attributes, outputs } = node;
  const results = rowOf(op).reference({ inputs, attributes, outputs });
  for (const [index, { shape }] of outputs.entries()) {
    if (results[index]?.length === sizeOf(shape)) continue;
    throw new GraphError(
      'graph/internal',
      `internal: the reference of ${op} gave ${results[index]?.length} values for [${shape}]; please report it.`,
    );
  }
  return results;
}

function rounded(data: ArrayLike<number>, dtype: DType, precision: 'float32' | 'float64'): ArrayLike<number> {
  return dtype === 'float32' && precision === 'float64' ? Float64Array.from(data) : typedArray(dtype, data);
}
