import { GraphError } from '../graphError.ts';
import type { TensorType } from '../tensorType.ts';
import type { OnnxDraft } from './onnxDraft.ts';
import type { OnnxConstant, OnnxNode } from './onnxWriter.ts';
import { fitSizes, type SizeExpression, type Sizes, sizeText } from './sizeExpression.ts';
import { pointText, refuseSize, SizeWriter } from './sizeWriter.ts';

/** Drafts of one function at several sizes, and those sizes. */
export interface Family {
  readonly drafts: readonly OnnxDraft[];
  readonly points: readonly Sizes[];
}

/** A shape whose changing dimensions are named by how they follow from the sizes. */
export type NamedShape = readonly (number | string)[];

export interface General {
  readonly nodes: readonly OnnxNode[];
  readonly constants: readonly OnnxConstant[];
  readonly inputShapes: readonly NamedShape[];
  readonly outputShapes: readonly NamedShape[];
  /** What the nodes call each output. */
  readonly outputValues: readonly string[];
}

/**
 * One model for all sizes: every number that differs between the drafts becomes a computation on the sizes, which are
 * read from the inputs' shapes.
 * @throws GraphError `graph/dynamic` naming the operation that does not follow from the sizes
 */
export function generalizeDrafts(family: Family): General {
  const { drafts, points } = family;
  const [first, ...others] = drafts as readonly [OnnxDraft, ...OnnxDraft[]];
  const shapesOf = (part: 'inputs' | 'outputs') =>
    first[part].map(({ name }, index) =>
      namedShape(
        `${part === 'inputs' ? 'input' : 'output'} "${name}"`,
        drafts.map((draft) => draft[part][index]?.shape ?? []),
        points,
      ),
    );
  for (const [index, other] of others.entries()) requireSameForm(first, other, { points, other: index + 1 });
  const inputShapes = shapesOf('inputs').map((shape) => shape.map(sizeName));
  const sizes = new SizeWriter(points, placesOf(first, inputShapes, points));
  const readers = readersOf(first.writer.nodes);
  const renamed = new Map(
    first.writer.constants.map((constant, index) => {
      const variants = others.map(({ writer }) => writer.constants[index] as OnnxConstant);
      return [constant.name, sizes.constant([constant, ...variants], readers.get(constant.name) ?? [])] as const;
    }),
  );
  const { nodes, constants } = sizes.writer;
  const current = (name: string) => renamed.get(name) ?? afterSizes(name);
  const kept = first.writer.nodes.map((node) => ({
    ...node,
    inputs: node.inputs.map(current),
    outputs: node.outputs.map(current),
  }));
  return {
    nodes: [...nodes, ...kept],
    constants,
    inputShapes,
    outputValues: first.outputs.map(({ value }) => current(value)),
    outputShapes: shapesOf('outputs').map((shape) => shape.map(sizeName)),
  };
}

// The nodes that compute sizes have taken the names %0, %1, ...
function afterSizes(name: string): string {
  return name.startsWith('%') ? `%${name}` : name;
}

function sizeName(size: SizeExpression): number | string {
  const [only, ...more] = size;
  return more.length === 0 && only && only.dimensions.length === 0 ? only.factor : sizeText(size);
}

function namedShape(
  what: string,
  shapes: readonly (readonly number[])[],
  points: readonly Sizes[],
): readonly SizeExpression[] {
  return (shapes[0] as readonly number[]).map((_, axis) => {
    const values = shapes.map((shape) => shape[axis] as number);
    return fitSizes(values, points) ?? refuseSize(`axis ${axis} of ${what}`, values, points);
  });
}

/** Where the shapes of the inputs tell each size. */
function placesOf({ inputs }: OnnxDraft, shapes: readonly NamedShape[], points: readonly Sizes[]) {
  const names = Object.keys(points[0] as Sizes);
  const entries = names.map((name) => {
    const index = shapes.findIndex((shape) => shape.includes(name));
    if (index >= 0) {
      return [
        name,
        { input: inputs[index]?.onnxName as string, axis: (shapes[index] as NamedShape).indexOf(name) },
      ] as const;
    }
    throw new GraphError(
      'graph/dynamic',
      `toDynamicOnnx: no input has the size "${name}" as one of its dimensions, so a run could not tell it; name only sizes of inputs.`,
    );
  });
  return new Map(entries);
}

interface Compared {
  readonly points: readonly Sizes[];
  readonly other: number;
}

/** Throws unless two drafts are the same but for numbers. */
function requireSameForm(first: OnnxDraft, second: OnnxDraft, { points, other }: Compared): void {
  const [here, there] = [points[0], points[other]].map((point) => pointText(point as Sizes)) as [string, string];
  const differ = (what: string, left: string, right: string): never => {
    throw new GraphError(
      'graph/dynamic',
      `toDynamicOnnx: the function is not one for all sizes: ${what} is ${left} at ${here}, ${right} at ${there}. ` +
        'Write it without a branch on a size, and choose sizes that the function has nowhere else.',
    );
  };
  for (const part of ['inputs', 'parameters', 'outputs'] as const) {
    const text = (draft: OnnxDraft) => draft[part].map(({ name, dtype }) => `${name}: ${dtype}`).join(', ') || 'none';
    if (text(first) !== text(second)) differ(`the list of ${part}`, text(first), text(second));
  }
  for (const [index, { name, shape }] of first.parameters.entries()) {
    const found = second.parameters[index] as TensorType;
    if (`${found.shape}` !== `${shape}`) differ(`the shape of "${name}"`, `[${shape}]`, `[${found.shape}]`);
  }
  const [nodes, rest] = [first.writer.nodes, second.writer.nodes];
  for (let index = 0; index < Math.max(nodes.length, rest.length); index++) {
    const [left, right] = [nodes[index], rest[index]].map(nodeText) as [string, string];
    if (left !== right) differ(`operation ${index}`, left, right);
  }
}

function nodeText(node: OnnxNode | undefined): string {
  if (!node) return 'none';
  const { op, inputs, attributes, origin } = node;
  return `${origin} (${op} of ${inputs.join(', ') || 'nothing'}, ${JSON.stringify(attributes)})`;
}

/** Which nodes read each value. */
function readersOf(nodes: readonly OnnxNode[]): ReadonlyMap<string, readonly OnnxNode[]> {
  const readers = new Map<string, OnnxNode[]>();
  for (const node of nodes) {
    for (const input of node.inputs) {
      const known = readers.get(input);
      if (known) known.push(node);
      else readers.set(input, [node]);
    }
  }
  return readers;
}
