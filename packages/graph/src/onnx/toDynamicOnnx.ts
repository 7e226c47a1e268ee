import type { Graph } from '../graph.ts';
import { GraphError } from '../graphError.ts';
import { foldingUpTo } from '../passes/folding.ts';
import { runPasses, standardPasses } from '../passes/runPasses.ts';
import type { TensorType } from '../tensorType.ts';
import { encodeModel } from './encodeModel.ts';
import { generalizeDrafts, type NamedShape } from './generalizeDrafts.ts';
import { draftOnnx, type OnnxDraft, type OnnxOptions, storeWeights } from './onnxDraft.ts';
import { OnnxWriter } from './onnxWriter.ts';
import type { Sizes } from './sizeExpression.ts';
import type { OnnxModel } from './toOnnx.ts';

export interface DynamicOnnxOptions extends OnnxOptions {
  /** Names of the dimensions that may change, each the size of an axis of an input. */
  readonly dimensions: readonly string[];
  /** Three or more sets of sizes to capture at, no size twice; small primes unless given. */
  readonly captures?: readonly Sizes[];
}

/** One input or output of a model for many sizes. */
export interface DynamicOnnxValue extends Pick<TensorType, 'dtype'> {
  readonly name: string;
  readonly onnxName: string;
  /** A changing dimension by its name, or by how it follows from the names: `batch*sequence`. */
  readonly shape: NamedShape;
}

export type DynamicOnnxModel = Pick<OnnxModel, 'model' | 'parameters' | 'external'> & {
  readonly inputs: readonly DynamicOnnxValue[];
  readonly outputs: readonly DynamicOnnxValue[];
};

/** Sizes of up to four dimensions: distinct, and no row a simple function of another. */
const primes: readonly (readonly number[])[] = [
  [2, 3, 5, 7],
  [11, 7, 13, 5],
  [17, 19, 11, 23],
  [29, 13, 31, 37],
];

/** Shapes folded into constants would hide that they follow from sizes. */
const passes = standardPasses.map((pass) => (pass.name === 'folding' ? foldingUpTo(1) : pass));

/**
 * Writes a function as one ONNX model for all sizes of its named dimensions. `graphAt` captures it at given sizes; what
 * differs between the captures becomes a computation on the shapes of the inputs. The graphs need no passes before.
 * @throws GraphError `graph/dynamic` naming the operation that does not follow from the sizes
 */
export function toDynamicOnnx(
  graphAt: (sizes: Sizes) => Graph,
  { dimensions, captures, weights, file = 'weights.bin' }: DynamicOnnxOptions,
): DynamicOnnxModel {
  const points = captures ?? defaultCaptures(dimensions);
  check(dimensions, points);
  const drafts = points.map((sizes) =>
    draftOnnx(runPasses(graphAt(sizes), { passes }), new OnnxWriter({ shares: false })),
  );
  const { nodes, constants, inputShapes, outputShapes, outputValues } = generalizeDrafts({ drafts, points });
  const { inputs, parameters: all, outputs } = drafts[0] as OnnxDraft;
  const isExternal = weights === 'external';
  const parameters = weights === 'inputs' ? all : [];
  const { stored, chunks } = storeWeights(weights === 'inputs' ? [] : all, isExternal ? file : undefined);
  const [changing, results] = [
    inputs.map((each, index) => ({ ...each, shape: inputShapes[index] as NamedShape })),
    outputs.map((each, index) => ({ ...each, shape: outputShapes[index] as NamedShape })),
  ];
  return {
    model: encodeModel({
      nodes,
      constants,
      stored,
      inputs: [...changing, ...parameters],
      outputs: results.map((each, index) => ({ ...each, value: outputValues[index] as string })),
    }),
    inputs: changing,
    parameters,
    outputs: results.map(({ value: _, ...each }) => each),
    external: isExternal ? { file, chunks } : undefined,
  };
}

function defaultCaptures(dimensions: readonly string[]): readonly Sizes[] {
  if (dimensions.length > primes.length) {
    throw new GraphError(
      'graph/dynamic',
      `toDynamicOnnx: sizes to capture at are known for up to ${primes.length} dimensions, not ${dimensions.length}; give captures.`,
    );
  }
  return Array.from({ length: 4 }, (_, point) =>
    Object.fromEntries(dimensions.map((name, index) => [name, primes[index]?.[point] as number])),
  );
}

function check(dimensions: readonly string[], points: readonly Sizes[]): void {
  const problems = [
    ...(points.length < 3 ? [`${points.length} captures, of which two would fit anything; give three or more`] : []),
    ...points.flatMap((sizes, index) => {
      const names = Object.keys(sizes);
      return `${names.toSorted()}` === `${dimensions.toSorted()}`
        ? []
        : [`capture ${index} has sizes for ${names.join(', ') || 'nothing'}, not ${dimensions.join(', ')}`];
    }),
    ...dimensions.flatMap((name) => {
      const sizes = points.map((point) => point[name]);
      return new Set(sizes).size === sizes.length
        ? []
        : [`"${name}" is ${sizes.join(', ')}; give another size each time`];
    }),
  ];
  if (problems.length === 0) return;
  throw new GraphError('graph/dynamic', `toDynamicOnnx cannot capture:\n  ${problems.join('\n  ')}`);
}
