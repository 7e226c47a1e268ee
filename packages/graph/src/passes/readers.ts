import type { Graph, Node, Value } from '../graph.ts';

/** Who reads the values of a graph, and what they are reshapes of. */
export interface Readers {
  /** Nodes that read a value, each once. */
  readonly of: (value: Value) => readonly Node[];
  readonly isOutput: (value: Value) => boolean;
  /** What reshapes a value is of: itself where it is none. */
  readonly sourceOf: (value: Value) => Value;
}

export function readersOf({ nodes, outputs }: Pick<Graph, 'nodes' | 'outputs'>): Readers {
  const readers = new Map<Value, Node[]>();
  const sources = new Map<Value, Value>();
  const sourceOf = (value: Value) => sources.get(value) ?? value;
  for (const node of nodes) {
    if (node.op === 'Reshape') sources.set(node.outputs[0] as Value, sourceOf(node.inputs[0] as Value));
    for (const input of new Set(node.inputs)) {
      const known = readers.get(input);
      if (known) known.push(node);
      else readers.set(input, [node]);
    }
  }
  const results = new Set(outputs.map(({ value }) => value));
  return { of: (value) => readers.get(value) ?? [], isOutput: (value) => results.has(value), sourceOf };
}
