import type { Graph, Node, Structure, Value } from './graph.ts';
import { typeText } from './tensorType.ts';

/** A graph as text, one line a value or node: what snapshots hold. Equal graphs print the same. */
export function printGraph(graph: Graph): string {
  const names = new Map<Value, string>();
  const name = (value: Value) => names.get(value) ?? '%undefined';
  const define = (value: Value) => {
    names.set(value, `%${names.size}`);
    return `${name(value)}: ${typeText(value)}`;
  };
  const lines = [
    ...graph.inputs.map((each) => `${define(each.value)} = input "${each.name}"`),
    ...graph.parameters.map((each) => `${define(each.value)} = parameter "${each.name}"`),
    ...graph.constants.map(({ value, data }) => `${define(value)} = constant ${dataText(data)}`),
    ...graph.nodes.map((node) => {
      const inputs = node.inputs.map(name).join(', ');
      return `${node.outputs.map(define).join(', ')} = ${node.op}(${inputs})${attributesText(node)}`;
    }),
  ];
  const outputs = new Map(graph.outputs.map((output) => [output.name, name(output.value)]));
  return [...lines, `return ${structureText(graph.structure, outputs)}`, ''].join('\n');
}

function attributesText({ attributes }: Node): string {
  const entries = Object.entries(attributes);
  if (entries.length === 0) return '';
  return ` { ${entries.map(([key, value]) => `${key}: ${JSON.stringify(value)}`).join(', ')} }`;
}

function dataText(data: number | ArrayLike<number>): string {
  if (typeof data === 'number') return numberText(data);
  const shown = Array.from({ length: Math.min(data.length, 8) }, (_, index) => numberText(data[index] as number));
  return `[${shown.join(', ')}${data.length > shown.length ? `, ... ${data.length} values` : ''}]`;
}

function numberText(value: number): string {
  return Object.is(value, -0) ? '-0' : String(Number(value.toPrecision(7)));
}

function structureText(structure: Structure, outputs: ReadonlyMap<string, string>): string {
  const entries = Object.entries(structure).map(([key, entry]) => {
    if (typeof entry === 'number') return `${JSON.stringify(key)}: ${entry}`;
    const output = typeof entry.output === 'string' ? outputs.get(entry.output) : undefined;
    return `${JSON.stringify(key)}: ${output ?? structureText(entry as Structure, outputs)}`;
  });
  return entries.length === 0 ? '{}' : `{ ${entries.join(', ')} }`;
}
