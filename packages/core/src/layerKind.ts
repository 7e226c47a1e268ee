import { PeftError } from '@peft/ops';
import type { Tensor, Tensor1D } from '@tensorflow/tfjs';
import { dense } from './kinds/dense.ts';
import { embedding } from './kinds/embedding.ts';
import { transposedDense } from './kinds/transposedDense.ts';
import type { Target } from './target.ts';

/**
 * How one kind of layer applies a weight and sends its input through a low-rank pair. Methods use only this record,
 * so methods and kinds add instead of multiplying.
 */
export interface LayerKind {
  readonly name: string;
  /** Whether the input is int32 ids, called by `At.embedding`; else it is values, called by `At.linear`. */
  readonly takesIds?: boolean;
  /** Where a layer is a product with its weight, the axis of the weight that is the output's. */
  readonly outputAxis?: 0 | 1;
  /** The factor that a fresh additive adapter starts at zero: `b` for dense, `a` for embedding, as Python PEFT does. */
  readonly zeroFactor: 'a' | 'b';
  /** Shapes of the factors whose product has the weight's shape. */
  factorShapes(target: Target, rank: number): { readonly a: readonly number[]; readonly b: readonly number[] };
  /** The frozen layer before its bias. */
  apply(input: Tensor, weight: Tensor): Tensor;
  /** Dropout of the adapter's input; the identity where the input is not continuous. */
  dropout(input: Tensor, rate: number, key: Tensor): Tensor;
  /** input through `a`: [..., rank]. */
  down(input: Tensor, a: Tensor): Tensor;
  /** hidden [..., rank] through `b`. */
  up(hidden: Tensor, b: Tensor): Tensor;
  /** The weight change the factors stand for: the weight's shape. */
  delta(a: Tensor, b: Tensor): Tensor;
  /** Euclidean norm of the weight per output feature (DoRA's magnitude): [out]. */
  outputNorm(weight: Tensor): Tensor1D;
  /** The weight with each output feature times its entry of scale [out] (DoRA). */
  scaleOutputs(weight: Tensor, scale: Tensor): Tensor;
  /** Fan-in and fan-out of the weight. */
  fans(target: Target): { readonly fanIn: number; readonly fanOut: number };
}

const kinds = new Map<string, LayerKind>([
  [dense.name, dense],
  [embedding.name, embedding],
  [transposedDense.name, transposedDense],
]);

/** Makes a further kind of layer known; registering a name again replaces it. */
export function registerLayerKind(kind: LayerKind): void {
  kinds.set(kind.name, kind);
}

/** The kind of a target. */
export function layerKindOf(target: Target): LayerKind {
  const kind = kinds.get(target.kind);
  if (kind) return kind;
  throw new PeftError(
    'target/unknown-kind',
    `target "${target.path}" is of kind "${target.kind}"; known kinds are ${[...kinds.keys()].join(', ')}. Register it with registerLayerKind.`,
  );
}
