import type { Graph, Node, Value } from '../graph.ts';
import type { GraphBuilder } from '../graphBuilder.ts';
import { sizeOf } from '../tensorType.ts';
import type { Pass } from './pass.ts';
import { type Readers, readersOf } from './readers.ts';
import { rewriteNodes } from './rewriteNodes.ts';

type Of<Op extends Node['op']> = Extract<Node, { op: Op }>;

/** What is written instead of a node. */
type Change = (build: GraphBuilder) => readonly Value[];

interface Changes {
  /** By the output of the node. */
  readonly changes: ReadonlyMap<Value, Change>;
  readonly reads: readonly Value[];
}

/** A product x . a with many rows whose columns are scaled: x . a * scale, with scale [columns]. */
interface Scaled {
  readonly node: Of<'Multiply'>;
  readonly product: Value;
  readonly x: Value;
  readonly a: Value;
  readonly scale: Value;
}

/** What is computed from a gradient g of x . a * scale. */
interface Gradient {
  readonly g: Value;
  /** x' . (g * scale) */
  readonly ofA: readonly Of<'PeftMatMul'>[];
  /** (g * scale) . a' */
  readonly ofX: readonly Of<'PeftMatMul'>[];
}

const plain = { transposeA: false, transposeB: false };
const transposedA = { transposeA: true, transposeB: false };
const transposedB = { transposeA: false, transposeB: true };

function rewrite(graph: Graph): Graph {
  const readers = readersOf(graph);
  const makers = new Map<Value, Node>();
  for (const node of graph.nodes) for (const output of node.outputs) makers.set(output, node);
  const changes = new Map<Value, Change>();
  const kept = new Set<Value>();
  for (const node of graph.nodes) {
    const scaled = node.op === 'Multiply' ? scaledProductOf(node, makers) : undefined;
    const found = scaled && changesOf(scaled, readers);
    // What a change reads must still be there: the rest waits for the next time.
    if (
      !found ||
      found.reads.some((value) => changes.has(value)) ||
      [...found.changes.keys()].some((value) => kept.has(value))
    )
      continue;
    for (const [value, change] of found.changes) changes.set(value, change);
    for (const value of found.reads) kept.add(value);
  }
  if (changes.size === 0) return graph;
  return rewriteNodes(graph, (node, build) => changes.get(node.outputs[0] as Value)?.(build));
}

function scaledProductOf(node: Of<'Multiply'>, makers: ReadonlyMap<Value, Node>): Scaled | undefined {
  const output = node.outputs[0] as Value;
  for (const [product, scale] of [node.inputs, node.inputs.toReversed()] as unknown as readonly [Value, Value][]) {
    const made = makers.get(product);
    if (made?.op !== 'PeftMatMul' || made.attributes.transposeA || made.attributes.transposeB) continue;
    const [x, a] = made.inputs as readonly [Value, Value];
    const isRow = sizeOf(scale.shape) === output.shape[1] && scale.shape.at(-1) === output.shape[1];
    const isSmaller = x.shape.length === 2 && a.shape.length === 2 && sizeOf(a.shape) < sizeOf(product.shape);
    if (isRow && isSmaller && scale.shape.length <= 2 && sizeOf(product.shape) === sizeOf(output.shape)) {
      return { node, product, x, a, scale };
    }
  }
  return undefined;
}

/** Undefined where somebody needs the product itself, for which it would be computed twice. */
function changesOf(scaled: Scaled, readers: Readers): Changes | undefined {
  const { node, product, x, a, scale } = scaled;
  if (readers.isOutput(product)) return undefined;
  const changes = new Map<Value, Change>();
  const reads = [x, a, scale];
  const scaledA = (build: GraphBuilder) => build.add('Multiply', [a, scale], {})[0] as Value;
  const byFactor = (g: Value, build: GraphBuilder) => build.add('PeftMatMul', [x, g], transposedA)[0] as Value;
  changes.set(node.outputs[0] as Value, (build) => build.add('PeftMatMul', [x, scaledA(build)], plain));
  const gradients = gradientsOf(scaled, readers);
  for (const { g, ofA, ofX } of gradients) {
    reads.push(g);
    for (const each of ofA) {
      changes.set(each.outputs[0] as Value, (build) => build.add('Multiply', [byFactor(g, build), scale], {}));
    }
    for (const each of ofX) {
      changes.set(each.outputs[0] as Value, (build) => build.add('PeftMatMul', [g, scaledA(build)], transposedB));
    }
  }
  for (const reader of readers.of(product)) {
    if (reader === node) continue;
    const gradient = gradients.find(({ g, ofA }) => ofA.length > 0 && reader.inputs.includes(g));
    const sums = gradient && sumsOf(reader, readers);
    if (!sums) return undefined;
    for (const each of sums) {
      changes.set(each.outputs[0] as Value, (build) => {
        const [shares] = build.add('Multiply', [a, byFactor(gradient.g, build)], {});
        return build.add('Sum', [shares as Value], each.attributes);
      });
    }
  }
  return { changes, reads };
}

function gradientsOf({ node, product, x, a, scale }: Scaled, readers: Readers): readonly Gradient[] {
  return readers.of(scale).flatMap((multiple) => {
    const g = multiple.inputs.find((input) => input !== scale);
    if (multiple === node || multiple.op !== 'Multiply' || `${g?.shape}` !== `${product.shape}` || !g || g === product)
      return [];
    const [scaledG] = multiple.outputs as readonly [Value];
    const found = readers.of(scaledG).filter((each): each is Of<'PeftMatMul'> => each.op === 'PeftMatMul');
    const are = ([left, right]: readonly [Value, Value], { transposeA, transposeB }: typeof plain) =>
      found.filter(
        ({ inputs, attributes }) =>
          inputs[0] === left &&
          inputs[1] === right &&
          attributes.transposeA === transposeA &&
          attributes.transposeB === transposeB,
      );
    const gradient = { g, ofA: are([x, scaledG], transposedA), ofX: are([scaledG, a], transposedB) };
    return gradient.ofA.length + gradient.ofX.length > 0 ? [gradient] : [];
  });
}

/** The sums over rows that alone read a product of two values; undefined where others read it. */
function sumsOf(node: Node, readers: Readers): readonly Of<'Sum'>[] | undefined {
  const output = node.outputs[0] as Value;
  const all = readers.of(output);
  const sums = all.filter((each): each is Of<'Sum'> => each.op === 'Sum' && `${each.attributes.axis}` === '0');
  return node.op === 'Multiply' && !readers.isOutput(output) && sums.length === all.length ? sums : undefined;
}

/** For before `groupProducts`, which joins the products. */
export const scalesIntoFactors: Pass = {
  name: 'scalesIntoFactors',
  doc: 'Scales the columns of a small factor instead of those of a tall product, forward and backward, as factors with singular values between them want.',
  rewrite,
};
