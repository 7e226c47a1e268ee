import type { Graph, Node, Value } from '../graph.ts';
import type { GraphBuilder } from '../graphBuilder.ts';
import { type Rule, rewriteNodes } from './rewriteNodes.ts';

/** Attends to [..., tokens, heads, size] where query, key and value lie so, instead of moving them and the results. */
export function tokensFirst(graph: Graph): Graph {
  return rewriteNodes(graph, rule);
}

const rule: Rule = (node, build) => {
  if (node.op === 'Transpose') return packedOf(node, build);
  if (node.op !== 'PeftFlashAttention' && node.op !== 'PeftFlashAttentionGrad') return undefined;
  const { inputs, attributes } = node;
  const sources = inputs.slice(0, 3).map((input) => sourceOf(input, build));
  if (attributes.tokensFirst || !sources.every((each) => each !== undefined)) return undefined;
  const turned = { ...attributes, tokensFirst: true };
  if (node.op === 'PeftFlashAttention') {
    const [output, statistics] = build.add(node.op, [...sources, ...inputs.slice(3)], turned);
    return [exchanged(output as Value, build), statistics as Value];
  }
  const [output, statistics, dy, ...mask] = inputs.slice(3) as [Value, Value, Value, ...Value[]];
  const [before, gradient] = [output, dy].map((value) => sourceOf(value, build) ?? exchanged(value, build));
  const given = [...sources, before as Value, statistics, gradient as Value, ...mask];
  return build.add(node.op, given, turned).map((value) => exchanged(value, build));
};

/** What heads and tokens were exchanged of. */
function sourceOf(value: Value, build: GraphBuilder): Value | undefined {
  const before: Node | undefined = build.producerOf(value);
  if (before?.op === 'Unpack') return unpackedSourceOf(value, before, build);
  if (before?.op !== 'Transpose') return undefined;
  return `${before.attributes.perm}` === `${exchange(value.shape.length)}` ? before.inputs[0] : undefined;
}

function exchanged(value: Value, build: GraphBuilder): Value {
  return build.add('Transpose', [value], { perm: exchange(value.shape.length) })[0] as Value;
}

function exchange(rank: number): readonly number[] {
  const axes = Array.from({ length: rank }, (_, axis) => axis);
  return [...axes.slice(0, -3), rank - 2, rank - 3, rank - 1];
}

type Of<Op extends Node['op']> = Extract<Node, { op: Op }>;

/** The same of a part of a transposed stack, such as query, key and value made by one product: a part of the stack itself. */
function unpackedSourceOf(value: Value, { inputs, outputs, attributes }: Of<'Unpack'>, build: GraphBuilder) {
  const stack: Node | undefined = build.producerOf(inputs[0] as Value);
  if (attributes.axis !== 0 || stack?.op !== 'Transpose') return undefined;
  const [axis, ...perm] = stack.attributes.perm as readonly [number, ...number[]];
  if (`${without(axis, perm)}` !== `${exchange(value.shape.length)}`) return undefined;
  return build.add('Unpack', stack.inputs, { axis })[outputs.indexOf(value)];
}

/** A transposed stack of matrices whose heads and tokens were exchanged, as the stack of what they were exchanged of. */
function packedOf(
  { inputs, attributes: { perm } }: Of<'Transpose'>,
  build: GraphBuilder,
): readonly Value[] | undefined {
  const pack: Node | undefined = build.producerOf(inputs[0] as Value);
  if (pack?.op !== 'Pack' || pack.attributes.axis !== 0) return undefined;
  const parts = pack.inputs.map((part) => sourceOf(part, build));
  const rest = without(
    0,
    perm.filter((axis) => axis !== 0),
  );
  if (`${rest}` !== `${exchange(rest.length)}` || !parts.every((part) => part !== undefined)) return undefined;
  return build.add('Pack', parts, { axis: perm.indexOf(0) });
}

/** Axes as they are counted once one is gone. */
function without(axis: number, perm: readonly number[]): readonly number[] {
  return perm.map((each) => (each > axis ? each - 1 : each));
}
