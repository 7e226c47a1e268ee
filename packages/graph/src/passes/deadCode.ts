import type { Graph, Node, Value } from '../graph.ts';
import type { Pass } from './pass.ts';

function removeUnread(graph: Graph): Graph {
  const read = new Set(graph.outputs.map(({ value }) => value));
  const kept: Node[] = [];
  for (const node of [...graph.nodes].reverse()) {
    if (!node.outputs.some((output: Value) => read.has(output))) continue;
    kept.push(node);
    for (const input of node.inputs) read.add(input);
  }
  const constants = graph.constants.filter(({ value }) => read.has(value));
  const parameters = graph.parameters.filter(({ value }) => read.has(value));
  const removed =
    graph.nodes.length -
    kept.length +
    graph.constants.length -
    constants.length +
    graph.parameters.length -
    parameters.length;
  return removed === 0 ? graph : { ...graph, nodes: kept.reverse(), constants, parameters };
}

export const deadCode: Pass = {
  name: 'deadCode',
  doc: 'Removes nodes, constants and parameters that no output needs. Inputs stay: they are what callers pass.',
  rewrite: removeUnread,
};
