import type { Graph, Node, Value } from './graph.ts';
import { GraphError } from './graphError.ts';
import { isOpName, rowOf } from './ops/opTable.ts';
import { isSameType, sizeOf, type TensorType, typeText } from './tensorType.ts';

/**
 * Throws unless the graph is legal: every value made once and before its use, every node of a known operation with the
 * types its row infers, names distinct, constants and parameters as large as their shapes, outputs as the structure
 * names them.
 * @throws GraphError `graph/illegal` with one line a problem.
 */
export function checkGraph(graph: Graph): void {
  const problems: string[] = [];
  const made = new Set<Value>();
  const make = (value: Value, what: string) => {
    if (made.has(value)) problems.push(`${what} makes a value that was made before`);
    made.add(value);
  };
  for (const { name, value } of graph.inputs) make(value, `input "${name}"`);
  for (const { name, value, source } of graph.parameters) {
    make(value, `parameter "${name}"`);
    const size = 'dataSync' in source ? source.size : source.length;
    if (size !== sizeOf(value.shape)) problems.push(`parameter "${name}" is ${typeText(value)} of ${size} values`);
  }
  for (const { value, data } of graph.constants) {
    make(value, `constant ${typeText(value)}`);
    if (typeof data !== 'number' && data.length !== sizeOf(value.shape)) {
      problems.push(`constant ${typeText(value)} has ${data.length} values`);
    }
  }
  for (const [index, node] of graph.nodes.entries()) {
    const what = `node ${index} (${node.op})`;
    for (const [place, input] of node.inputs.entries()) {
      if (!made.has(input)) problems.push(`${what} reads input ${place} before it is made`);
    }
    problems.push(...typeProblems(node, what));
    for (const output of node.outputs) make(output, what);
  }
  for (const { name, value } of graph.outputs) {
    if (!made.has(value)) problems.push(`output "${name}" is never made`);
  }
  for (const list of [graph.inputs, graph.parameters, graph.outputs]) {
    const names = list.map(({ name }) => name);
    const twice = new Set(names.filter((name, index) => names.indexOf(name) !== index));
    for (const name of twice) problems.push(`the name "${name}" is used twice`);
  }
  if (problems.length === 0) return;
  throw new GraphError('graph/illegal', `the graph is not legal; please report it:\n  ${problems.join('\n  ')}`);
}

function typeProblems(node: Node, what: string): readonly string[] {
  if (!isOpName(node.op)) return [`${what} is no operation of the op table`];
  try {
    const expected = rowOf(node.op).shape(node.inputs, node.attributes);
    if (expected.length !== node.outputs.length)
      return [`${what} has ${node.outputs.length} outputs, not ${expected.length}`];
    return expected.flatMap((type, index) => {
      const found = node.outputs[index] as TensorType;
      return isSameType(type, found) ? [] : [`${what} makes ${typeText(found)}, its inputs give ${typeText(type)}`];
    });
  } catch (error) {
    return [`${what}: ${(error as Error).message}`];
  }
}
