import type { Graph, Node, Value } from '../graph.ts';
import { GraphBuilder } from '../graphBuilder.ts';

/** Looks at one node, its inputs already rewritten; returns what stands for its outputs, or undefined to keep it. */
export type Rule = (node: Node, build: GraphBuilder) => readonly Value[] | undefined;

/** Applies a rule to every node in order. A rule adds nodes through `build`. Returns the same graph if no rule fired. */
export function rewriteNodes(graph: Graph, rule: Rule): Graph {
  const build = new GraphBuilder();
  const replaced = new Map<Value, Value>();
  const current = (value: Value) => replaced.get(value) ?? value;
  for (const constant of graph.constants) build.keep(constant);
  for (const original of graph.nodes) {
    const moved = original.inputs.some((input) => replaced.has(input));
    const node: Node = moved ? { ...original, inputs: original.inputs.map(current) } : original;
    const result = rule(node, build);
    if (result === undefined) {
      build.push(node);
      continue;
    }
    for (const [index, output] of node.outputs.entries()) replaced.set(output, result[index] as Value);
  }
  if (replaced.size === 0) return graph;
  const outputs = graph.outputs.map(({ name, value }) => ({ name, value: current(value) }));
  return build.finish({ ...graph, outputs });
}
