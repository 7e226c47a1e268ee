import type { Constant, Graph, Value } from '../graph.ts';
import { typeText } from '../tensorType.ts';
import type { Pass } from './pass.ts';
import { rewriteNodes } from './rewriteNodes.ts';

function mergeEqual(graph: Graph): Graph {
  const { merged, constants } = mergeConstants(graph.constants);
  const ids = new Map<Value, number>();
  const idOf = (value: Value) => {
    const id = ids.get(value) ?? ids.size;
    ids.set(value, id);
    return id;
  };
  const seen = new Map<string, readonly Value[]>();
  const outputs = graph.outputs.map(({ name, value }) => ({ name, value: merged.get(value) ?? value }));
  const nodes = graph.nodes.map((node) =>
    node.inputs.some((input) => merged.has(input))
      ? { ...node, inputs: node.inputs.map((input) => merged.get(input) ?? input) }
      : node,
  );
  const start = merged.size === 0 ? graph : { ...graph, constants, nodes, outputs };
  return rewriteNodes(start, (node) => {
    const key = `${node.op} ${node.inputs.map(idOf)} ${JSON.stringify(node.attributes)}`;
    const before = seen.get(key);
    if (before === undefined) seen.set(key, node.outputs);
    return before;
  });
}

/** Constants of the same type and values as one. */
function mergeConstants(all: readonly Constant[]) {
  const seen = new Map<string, Value>();
  const merged = new Map<Value, Value>();
  const constants = all.filter(({ value, data }) => {
    const numbers = typeof data === 'number' ? [data] : data;
    const text = Array.from(numbers, (each) => (Object.is(each, -0) ? '-0' : each)).join();
    const key = `${typeText(value)} ${typeof data === 'number' ? 'all' : ''} ${text}`;
    const before = seen.get(key);
    if (before) merged.set(value, before);
    else seen.set(key, value);
    return before === undefined;
  });
  return { merged, constants };
}

export const commonSubexpressions: Pass = {
  name: 'commonSubexpressions',
  doc: 'Computes once what is computed twice from the same values, and holds equal constants once.',
  rewrite: mergeEqual,
};
