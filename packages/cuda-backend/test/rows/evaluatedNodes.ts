import { sizeOf } from '@peft/core';
import type { Graph, HostTensor, Node, Value } from '@peft/graph';
import { evaluateNode } from '@peft/graph/test';

/** A node and the values it is given. */
export interface EvaluatedNode {
  readonly node: Node;
  readonly inputs: readonly HostTensor[];
}

/** The nodes of a graph in order, each with its inputs as the float64 references make them. */
export function evaluatedNodes(graph: Graph, inputs: ReadonlyMap<string, HostTensor>): readonly EvaluatedNode[] {
  const values = new Map<Value, ArrayLike<number>>();
  for (const { name, value } of graph.inputs) values.set(value, (inputs.get(name) as HostTensor).data);
  for (const { value, source } of graph.parameters) {
    values.set(value, 'dataSync' in source ? source.dataSync<'float32'>() : source);
  }
  for (const { value, data } of graph.constants) {
    const size = sizeOf(value.shape);
    values.set(value, typeof data === 'number' ? new Float64Array(size).fill(data) : data);
  }
  return graph.nodes.map((node) => {
    const given = node.inputs.map((value) => ({ ...value, data: values.get(value) as ArrayLike<number> }));
    for (const [place, data] of evaluateNode(node, given).entries()) values.set(node.outputs[place] as Value, data);
    return { node, inputs: given };
  });
}
