import type { Node, Value } from '../graph.ts';
import type { GraphBuilder } from '../graphBuilder.ts';
import type { OpName } from '../ops/opAttributes.ts';
import { rowOf } from '../ops/opTable.ts';
import type { Pass } from './pass.ts';
import { type Rule, rewriteNodes } from './rewriteNodes.ts';

/** Operations on each element alone. */
const pointwise = new Set<OpName>([
  'Abs',
  'Add',
  'Cast',
  'ClipByValue',
  'Erf',
  'Exp',
  'Log',
  'Maximum',
  'Minimum',
  'Multiply',
  'Neg',
  'PeftGelu',
  'PeftGeluGrad',
  'PeftGeluTanh',
  'PeftGeluTanhGrad',
  'RealDiv',
  'Reciprocal',
  'Relu',
  'Rsqrt',
  'Sigmoid',
  'Sqrt',
  'Square',
  'SquaredDifference',
  'Sub',
  'Tanh',
]);

const rule: Rule = (node, build) => {
  if (!pointwise.has(node.op)) return undefined;
  const output = node.outputs[0] as Value;
  const before = node.inputs.map((input) => sourceOf(input, build));
  const shape = before.find((each) => each !== undefined)?.shape;
  if (!shape) return undefined;
  const inputs = node.inputs.map((input, index) => (input.shape.length === 0 ? input : before[index]));
  const fits = inputs.every((each) => each && (each.shape.length === 0 || `${each.shape}` === `${shape}`));
  if (!fits || !node.inputs.every((input) => input.shape.length === 0 || `${input.shape}` === `${output.shape}`)) {
    return undefined;
  }
  const [type] = rowOf(node.op).shape(inputs as readonly Value[], node.attributes);
  if (`${type?.shape}` !== `${shape}`) return undefined;
  const [result] = build.add(node.op, inputs as readonly Value[], node.attributes as Node['attributes'] as never);
  return build.add('Reshape', [result as Value], { shape: output.shape });
};

function sourceOf(value: Value, build: GraphBuilder): Value | undefined {
  const before = build.producerOf(value);
  return before?.op === 'Reshape' ? before.inputs[0] : undefined;
}

export const reshapesOutward: Pass = {
  name: 'reshapesOutward',
  doc: 'Computes on the shape that products give and reshapes the result, so that pairs of reshapes meet and vanish.',
  rewrite: (graph) => rewriteNodes(graph, rule),
};
