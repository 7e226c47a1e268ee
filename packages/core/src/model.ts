import type { Tensor } from '@tensorflow/tfjs';
import type { Target } from './target.ts';
import type { Weights } from './weights.ts';

/** The tensors of one batch by name. */
export type TensorBatch = Readonly<Record<string, Tensor>>;

/** One tensor of a batch: its dtype and shape, a size that may change given by its name, as ['batch', 'sequence']. */
export interface BatchInput {
  readonly dtype: 'float32' | 'int32';
  readonly shape: readonly (number | string)[];
}

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
  /** The weight of a linear layer that nothing adapts or trains; undefined where something does. */
  frozen(path: string): FrozenLinear | undefined;
}

/** A linear layer as it is stored: weight [in, out], or [out, in] where `isTransposed`, and bias [out] if it has one. */
export type FrozenLinear = { readonly weight: Tensor; readonly bias?: Tensor; readonly isTransposed: boolean };

/** The linear layer that makes a model's output, and what it reads: row i of the output is its product with row i of the states. */
export interface LinearHead<Batch extends TensorBatch = TensorBatch> {
  /** Path of its module. */
  readonly path: string;
  /** Hidden states [rows, in]: of every row of the output, leading axes folded, or of `rows` alone (int32 [n], may repeat). */
  states(batch: Batch, at: At, rows?: Tensor): Tensor;
}

/** A frozen model: what may be adapted, its weights, and its forward pass as a function of `At`. */
export interface Model<Batch extends TensorBatch = TensorBatch> {
  readonly targets: readonly Target[];
  readonly weights: Weights;
  /** Modules that produce the output; "all-linear" leaves them out. */
  readonly outputHead?: readonly string[];
  /** Path of the embedding that looks its tokens up, as transformers' `get_input_embeddings`. */
  readonly inputEmbedding?: string;
  /** Linear layers whose weight is the table of an embedding, under another name: the embedding, by the layer's path. */
  readonly ties?: Readonly<Record<string, string>>;
  /** Length of the output's last axis where it is fixed (classes, vocabulary); losses check labels against it. */
  readonly outputSize?: number;
  /** What Python calls a module in memory, by its path here, where the two differ; adapter files name modules so. */
  readonly pythonPaths?: Readonly<Record<string, string>>;
  /** Parameters that Python also keeps under another path, by that path: files of adapters may hold both. */
  readonly aliases?: Readonly<Record<string, string>>;
  /** The tensors that `apply` reads, by name: what an exported file takes. */
  readonly inputs?: Readonly<Record<string, BatchInput>>;
  apply(batch: Batch, at: At): Tensor;
  /** Where the output is that of one linear layer: lets a loss take it in parts, and only the rows that count. */
  readonly linearHead?: LinearHead<Batch>;
}

/** A model whose data type is not known here. */
export type AnyModel = Model<TensorBatch>;
