import type { Graph, Node, Value } from '../graph.ts';
import { GraphBuilder } from '../graphBuilder.ts';
import type { Pass } from './pass.ts';
import { type Readers, readersOf } from './readers.ts';
import { tokensFirst } from './tokensFirst.ts';

type Attention = Extract<Node, { op: 'PeftAttention' }>;
type Product = Extract<Node, { op: 'PeftMatMul' | 'BatchMatMul' }>;

/** An attention and all that its gradient consists of. */
interface Match {
  readonly attention: Attention;
  /** Absent where nothing reads the probabilities. */
  readonly gradient?: {
    readonly dy: { readonly value: Value /** Of the output. */; readonly shape: readonly number[] };
    /** Nodes that one operation replaces. */
    readonly nodes: readonly Node[];
    /** Those of them that read dy. */
    readonly readers: readonly Node[];
    /** Which of its results takes the place of a product: as it is, or its last two axes exchanged. */
    readonly products: readonly Replaced[];
  };
}

interface Replaced {
  readonly node: Product;
  readonly result: 0 | 1 | 2;
  readonly isTurned: boolean;
}

/** The pass for heads of at most `largest` numbers. */
export function flashAttentionUpTo(largest: number): Pass {
  return {
    name: 'flashAttention',
    doc: 'Attends without holding the probabilities: the gradient makes them again from two numbers of each query.',
    rewrite: (graph) => tokensFirst(withoutProbabilities(graph, largest)),
  };
}

export const flashAttention = flashAttentionUpTo(128);

function withoutProbabilities(graph: Graph, largest: number): Graph {
  const readers = readersOf(graph);
  const matches = graph.nodes.flatMap((node) => {
    const sizes = node.op === 'PeftAttention' ? [node.inputs[0], node.inputs[2]].map((each) => each?.shape.at(-1)) : [];
    const match = node.op === 'PeftAttention' && sizes.every((size) => Number(size) <= largest);
    return match ? (matchOf(node, readers) ?? []) : [];
  });
  if (matches.length === 0) return graph;
  const starts = new Map<Node, Match>();
  const removed = new Set<Node>();
  for (const match of matches) {
    starts.set(match.attention, match);
    // The first of them that reads dy: all that the gradient needs is there.
    const first = graph.nodes.find((node) => match.gradient?.readers.includes(node));
    if (first) starts.set(first, match);
    for (const node of match.gradient?.nodes ?? []) removed.add(node);
  }
  const build = new GraphBuilder();
  for (const constant of graph.constants) build.keep(constant);
  const statistics = new Map<Match, Value>();
  for (const node of graph.nodes) {
    const match = starts.get(node);
    if (match && node === match.attention) statistics.set(match, addAttention(match, build));
    else if (match) addGradient(match, { statistics: statistics.get(match) as Value, build });
    else if (!removed.has(node)) build.push(node);
  }
  return build.finish(graph);
}

function matchOf(attention: Attention, readers: Readers): Match | undefined {
  const [query, key, value] = attention.inputs as readonly [Value, Value, Value];
  const probabilities = attention.outputs[1] as Value;
  const read = readings(probabilities, readers);
  if (!read) return undefined;
  if (read.nodes.length === 0) return { attention };
  const gradients = read.nodes.filter((node) => node.op === 'PeftAttentionGrad');
  const [first] = read.nodes as readonly [Node];
  const dy = gradients[0]?.inputs[2] ?? first.inputs.find((input) => !read.isSame(input));
  const scores = gradients[0] && readings(gradients[0].outputs[0] as Value, readers);
  const isOwn = gradients.every(
    ({ inputs, attributes }) =>
      inputs[0] === value && inputs[1] === probabilities && attributes.scale === attention.attributes.scale,
  );
  if (!dy || gradients.length > 1 || !isOwn || (gradients.length === 1 && !scores)) return undefined;
  const factor = (of: Value) => (other: Value | undefined) => isSameStack(of, other, readers);
  const products = [
    ...read.nodes
      .filter((node) => node !== gradients[0])
      .map((node) => replacedBy(node, 2, { left: read.isSame, transposed: true, right: factor(dy) })),
    ...(scores?.nodes ?? []).map(
      (node) =>
        replacedBy(node, 0, { left: scores?.isSame, transposed: false, right: factor(key) }) ??
        replacedBy(node, 1, { left: scores?.isSame, transposed: true, right: factor(query) }),
    ),
  ];
  if (!products.every((each) => each !== undefined)) return undefined;
  const reshapes = [...read.reshapes, ...(scores?.reshapes ?? [])];
  const nodes = [...gradients, ...reshapes, ...products.map(({ node }) => node)];
  const dyOfOutput = { value: dy, shape: (attention.outputs[0] as Value).shape };
  const ofValue = products.filter(({ result }) => result === 2).map(({ node }) => node);
  return { attention, gradient: { dy: dyOfOutput, products, nodes, readers: [...gradients, ...ofValue] } };
}

/** Who reads a stack of matrices, past reshapes of its leading axes. */
interface Readings {
  readonly nodes: readonly Node[];
  readonly reshapes: readonly Node[];
  /** Whether a value is the stack or a reshape of it. */
  readonly isSame: (value: Value | undefined) => boolean;
}

/** Undefined where the stack, or a reshape of it, is a result of the graph. */
function readings(stack: Value, readers: Readers): Readings | undefined {
  const isReshape = (node: Node) =>
    node.op === 'Reshape' && `${node.outputs[0]?.shape.slice(-2)}` === `${stack.shape.slice(-2)}`;
  const all = readers.of(stack);
  const reshapes = all.filter(isReshape);
  const same = new Set<Value | undefined>([stack, ...reshapes.map(({ outputs }) => outputs[0])]);
  if ([...same].some((value) => value && readers.isOutput(value))) return undefined;
  const nodes = [
    ...all.filter((node) => !isReshape(node)),
    ...reshapes.flatMap(({ outputs }) => readers.of(outputs[0] as Value)),
  ];
  return { nodes: [...new Set(nodes)], reshapes, isSame: (value) => same.has(value) };
}

/** Whether two values hold the same matrices, whatever their leading axes. */
function isSameStack(a: Value, b: Value | undefined, readers: Readers): boolean {
  return (
    b !== undefined && `${a.shape.slice(-2)}` === `${b.shape.slice(-2)}` && readers.sourceOf(a) === readers.sourceOf(b)
  );
}

interface Factors {
  readonly left: ((value: Value | undefined) => boolean) | undefined;
  /** Whether the left factor enters with its last two axes exchanged. */
  readonly transposed: boolean;
  readonly right: (value: Value | undefined) => boolean;
}

/** Whether a node is left . right, or its transpose right' . left'. */
function replacedBy(node: Node, result: 0 | 1 | 2, { left, transposed, right }: Factors): Replaced | undefined {
  if ((node.op !== 'PeftMatMul' && node.op !== 'BatchMatMul') || !left) return undefined;
  const [a, b] = node.inputs;
  const { transposeA, transposeB } = node.attributes;
  if (left(a) && right(b) && transposeA === transposed && !transposeB) return { node, result, isTurned: false };
  if (left(b) && right(a) && transposeB !== transposed && transposeA) return { node, result, isTurned: true };
  return undefined;
}

function addAttention({ attention }: Match, build: GraphBuilder): Value {
  const { inputs, attributes, outputs } = attention;
  const output = outputs[0] as Value;
  const { shape } = output;
  const statistics: Value = { shape: [...shape.slice(0, -1), 2], dtype: 'float32' };
  build.push({
    op: 'PeftFlashAttention',
    inputs,
    attributes: { ...attributes, tokensFirst: false },
    outputs: [output, statistics],
  });
  return statistics;
}

interface Place {
  readonly statistics: Value;
  readonly build: GraphBuilder;
}

function addGradient({ attention, gradient }: Match, { statistics, build }: Place): void {
  const [query, key, value, ...mask] = attention.inputs as readonly [Value, Value, Value, ...Value[]];
  const { dy, products } = gradient as NonNullable<Match['gradient']>;
  const output = attention.outputs[0] as Value;
  const outputs = [query, key, value].map(({ shape, dtype }): Value => ({ shape, dtype }));
  const given =
    `${dy.value.shape}` === `${dy.shape}` ? [dy.value] : build.add('Reshape', [dy.value], { shape: dy.shape });
  build.push({
    op: 'PeftFlashAttentionGrad',
    inputs: [query, key, value, output, statistics, ...given, ...mask],
    attributes: { ...attention.attributes, tokensFirst: false },
    outputs,
  });
  for (const { node, result, isTurned } of products) {
    const made = node.outputs[0] as Value;
    const source = outputs[result] as Value;
    const [turned] = isTurned ? build.add('Transpose', [source], { perm: lastExchanged(source) }) : [source];
    build.push({ op: 'Reshape', inputs: [turned as Value], attributes: { shape: made.shape }, outputs: [made] });
  }
}

function lastExchanged({ shape }: Value): readonly number[] {
  const axes = [...shape.keys()];
  return [...axes.slice(0, -2), axes.at(-1) as number, axes.at(-2) as number];
}
