import type { Tensor } from '@tensorflow/tfjs';
import type { Target } from './target.ts';
import type { Weights } from './weights.ts';

/** The tensors of one batch by name. */
export type TensorBatch = Readonly<Record<string, Tensor>>;

/**
 * The only way a model reaches its weights, so that adapters, fully trained modules and trained biases are swapped in
 * here and nowhere else. Paths are dotted module paths; `linear` and `embedding` read `<path>.weight` (and `.bias`).
 */
export interface At {
  /** x [..., in] to [..., out], bias added where the module has one. */
  linear(path: string, x: Tensor): Tensor;
  /** ids int32 [...] to [..., out]. */
  embedding(path: string, ids: Tensor): Tensor;
  /** Any other parameter by its full path. */
  parameter(path: string): Tensor;
}

/** A frozen model: what may be adapted, its weights, and its forward pass as a function of `At`. */
export interface Model<Batch extends TensorBatch = TensorBatch> {
  readonly targets: readonly Target[];
  readonly weights: Weights;
  /** Modules that produce the output; "all-linear" leaves them out. */
  readonly outputHead?: readonly string[];
  /** Length of the output's last axis where it is fixed (classes, vocabulary); losses check labels against it. */
  readonly outputSize?: number;
  /** What Python calls a module in memory, by its path here, where the two differ; adapter files name modules so. */
  readonly pythonPaths?: Readonly<Record<string, string>>;
  apply(batch: Batch, at: At): Tensor;
}

/** A model whose data type is not known here. */
export type AnyModel = Model<TensorBatch>;
