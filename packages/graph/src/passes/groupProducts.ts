import type { Graph, Node, Value } from '../graph.ts';
import { GraphBuilder } from '../graphBuilder.ts';
import { sizeOf } from '../tensorType.ts';
import type { Pass } from './pass.ts';
import { rewriteNodes } from './rewriteNodes.ts';

type Product = Extract<Node, { op: 'PeftMatMul' }>;

/** Widest factor that is joined with others: wider products are fast alone. */
const widest = 32;

/** How many times larger than its narrow factors and results a shared matrix must be: what joining and parting them moves. */
const measuredShare = 3;

const isProduct = (node: Node | undefined): node is Product =>
  node?.op === 'PeftMatMul' && node.inputs.every(({ shape }) => shape.length === 2);

/** Which axis of a product's second factor runs along the columns of the result. */
const columnsOf = ({ attributes: { transposeB } }: Product) => (transposeB ? 0 : 1);

/** x . a and x . b as one product x . [a | b], wherever neither is needed to make the other. */
function joinSharing(graph: Graph, share: number): Graph {
  const groups = sharingGroups(graph, share);
  const [first] = groups;
  if (!first) return graph;
  // Groups that are fine one by one may need each other's results; then the first alone goes, and the rest is seen anew.
  return withJoined(graph, groups) ?? joinSharing(withJoined(graph, [first]) as Graph, share);
}

type Group = readonly number[];

function sharingGroups(graph: Graph, share: number): readonly Group[] {
  const groups = new Map<Value, Map<string, number[]>>();
  for (const [index, node] of graph.nodes.entries()) {
    if (!isProduct(node) || (result(node).shape[1] as number) > widest) continue;
    const x = node.inputs[0] as Value;
    const byFlags = groups.get(x) ?? new Map<string, number[]>();
    groups.set(x, byFlags);
    const flags = `${node.attributes.transposeA} ${node.attributes.transposeB}`;
    byFlags.set(flags, [...(byFlags.get(flags) ?? []), index]);
  }
  const found = [...groups].flatMap(([x, byFlags]) =>
    [...byFlags.values()].filter((members) => {
      const products = members.map((index) => graph.nodes[index] as Product);
      const moved = products.reduce((sum, node) => sum + sizeOf(factor(node).shape) + sizeOf(result(node).shape), 0);
      return members.length > 1 && sizeOf(x.shape) >= share * moved;
    }),
  );
  if (found.length === 0) return [];
  const depends = dependence(graph);
  return found.filter((members) => members.every((later) => members.every((earlier) => !depends(later, earlier))));
}

const factor = (node: Product) => node.inputs[1] as Value;
const result = (node: Product) => node.outputs[0] as Value;

/** Whether one node, at a later place, needs what another makes. */
function dependence({ nodes }: Graph) {
  const makers = new Map<Value, number>();
  for (const [index, node] of nodes.entries()) for (const output of node.outputs) makers.set(output, index);
  return (later: number, earlier: number): boolean => {
    const seen = new Set<number>();
    const visit = (index: number): boolean => {
      if (index === earlier) return true;
      if (index < earlier || seen.has(index)) return false;
      seen.add(index);
      return (nodes[index] as Node).inputs.some((input) => visit(makers.get(input) ?? -1));
    };
    return later > earlier && visit(later);
  };
}

function withJoined(graph: Graph, groups: readonly Group[]): Graph | undefined {
  const removed = new Set(groups.flat());
  const starts = new Map(groups.map((members) => [members[0], joinedNodes(graph, members)] as const));
  const nodes = graph.nodes.flatMap((node, index) => starts.get(index) ?? (removed.has(index) ? [] : [node]));
  const order = sorted(nodes);
  return order && { ...graph, nodes: order };
}

/** The nodes of one group: factors side by side, one product, its parts. */
function joinedNodes(graph: Graph, members: Group): readonly Node[] {
  const products = members.map((index) => graph.nodes[index] as Product);
  const first = products[0] as Product;
  const build = new GraphBuilder();
  const [all] = build.add('Concat', products.map(factor), { axis: columnsOf(first) });
  const [joined] = build.add('PeftMatMul', [first.inputs[0] as Value, all as Value], first.attributes);
  const numOrSizeSplits = products.map((node) => result(node).shape[1] as number);
  const outputs = products.map(result);
  build.push({ op: 'SplitV', inputs: [joined as Value], attributes: { axis: 1, numOrSizeSplits }, outputs });
  return build.nodes;
}

/** The nodes in the order they have, each after what it reads; undefined where they read each other. */
function sorted(nodes: readonly Node[]): readonly Node[] | undefined {
  const makers = new Map<Value, Node>();
  for (const node of nodes) for (const output of node.outputs) makers.set(output, node);
  const placed = new Map<Node, boolean>();
  const order: Node[] = [];
  const place = (node: Node): boolean => {
    const isPlaced = placed.get(node);
    if (isPlaced !== undefined) return isPlaced;
    placed.set(node, false);
    for (const input of node.inputs) {
      const maker = makers.get(input);
      if (maker && !place(maker)) return false;
    }
    placed.set(node, true);
    order.push(node);
    return true;
  };
  return nodes.every(place) ? order : undefined;
}

/** base + p . a' + q . b' as base + [p | q] . [a | b]', for products of narrow factors that only the sum reads. */
function joinSummed(graph: Graph, share: number): Graph {
  const uses = new Map<Value, number>();
  const read = (value: Value) => uses.set(value, (uses.get(value) ?? 0) + 1);
  for (const { inputs } of graph.nodes) inputs.forEach(read);
  for (const { value } of graph.outputs) read(value);
  const inner = new Set<Value>();
  for (const { op, inputs, outputs } of graph.nodes) {
    if (op !== 'Add') continue;
    for (const input of inputs) {
      if (uses.get(input) === 1 && `${input.shape}` === `${outputs[0]?.shape}`) inner.add(input);
    }
  }
  return rewriteNodes(graph, (node, build) => {
    if (node.op !== 'Add' || inner.has(node.outputs[0] as Value)) return undefined;
    const terms = termsOf(node.outputs[0] as Value, { node, build, inner });
    const narrow = terms.filter((term) =>
      isNarrowTerm(build.producerOf(term), { share, isSingle: uses.get(term) === 1 }),
    );
    if (narrow.length < 2) return undefined;
    const products = narrow.map((term) => build.producerOf(term) as Product);
    const [joined, other] = ([0, 1] as const).map((side) => {
      const factors = products.map(({ inputs }) => inputs[side] as Value);
      return build.add('Concat', factors, { axis: 1 })[0] as Value;
    }) as [Value, Value];
    const product = build.add('PeftMatMul', [joined, other], { transposeA: false, transposeB: true })[0] as Value;
    const rest = terms.filter((term) => !narrow.includes(term));
    const sum = [...rest, product].reduce((total, term) => build.add('Add', [total, term], {})[0] as Value);
    return [sum];
  });
}

interface Sum {
  readonly node: Node;
  readonly build: GraphBuilder;
  readonly inner: ReadonlySet<Value>;
}

/** What a tree of additions adds up, from left to right. */
function termsOf(value: Value, { node, build, inner }: Sum): readonly Value[] {
  const made = node.outputs[0] === value ? node : build.producerOf(value);
  const isInner = node.outputs[0] === value || inner.has(value);
  if (made?.op !== 'Add' || !isInner || made.inputs.some(({ shape }) => `${shape}` !== `${value.shape}`))
    return [value];
  return made.inputs.flatMap((input) => termsOf(input, { node, build, inner }));
}

/** Whether a term is p . a' with so few columns in p and a that reading them is nothing beside writing the term. */
function isNarrowTerm(
  node: Node | undefined,
  { share, isSingle }: { readonly share: number; readonly isSingle: boolean },
): boolean {
  if (!isProduct(node) || !isSingle || node.attributes.transposeA || !node.attributes.transposeB) return false;
  const [p, a] = node.inputs as readonly [Value, Value];
  const moved = sizeOf(p.shape) + sizeOf(a.shape);
  return (p.shape[1] as number) <= widest && sizeOf(result(node).shape) >= share * moved;
}

/** The pass with another share: 0 joins all there is. */
export function groupProductsFrom(share: number): Pass {
  return {
    name: 'groupProducts',
    doc: 'Multiplies a matrix by narrow ones side by side at once, and adds up products of narrow factors as one, as low-rank adapters of one input make them.',
    rewrite: (graph) => joinSummed(joinSharing(graph, share), share),
  };
}

export const groupProducts = groupProductsFrom(measuredShare);
