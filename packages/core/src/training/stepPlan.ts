import type * as tf from '@tensorflow/tfjs';
import type { AnyModel, TensorBatch } from '../model.ts';
import type { Optimizer } from '../optimizers/optimizer.ts';
import type { AnyStrategy } from '../strategy.ts';
import type { Target } from '../target.ts';
import type { TokenTable } from '../tokenRows.ts';
import type { Snapshot, Tree } from '../tree.ts';
import type { Weights } from '../weights.ts';
import type { Lane } from './lanes.ts';
import type { Loss } from './loss.ts';

/** What is fixed while a step keeps its structure. */
export type StepPlan = {
  readonly model: AnyModel;
  readonly weights: Weights;
  readonly strategy: AnyStrategy;
  readonly targets: readonly Target[];
  /** Of which rows are trained, by path. */
  readonly tokenTables: Readonly<Record<string, TokenTable>>;
  readonly loss: Loss;
  readonly optimizer: Optimizer;
  readonly lanes: ReadonlyMap<string, Lane>;
  readonly maxGradientNorm: number | undefined;
};

/** Everything a run trains. Leaf paths begin with `adapter/`, `trained/` or `tokenRows/`. */
export type TrainTree = {
  readonly adapter: Tree;
  readonly trained: Readonly<Record<string, tf.Tensor>>;
  /** By the path of their table, each [ids, width]. */
  readonly tokenRows: Readonly<Record<string, tf.Tensor>>;
};

export type StepState = TrainTree & {
  readonly strategy: Snapshot;
  readonly slots: Tree;
  /** Gradients summed over the micro-batches of a step so far, by the paths of the leaves; none without accumulation. */
  readonly sums: Tree;
};

/** One batch, the dropout key of its forward pass, and 1 / counted items of the whole step. */
export type BatchInputs = { readonly batch: TensorBatch; readonly key: tf.Scalar; readonly scale: tf.Scalar };

/** What an update needs beside gradients: the numbers of every lane, and those of the strategy. */
export type UpdateInputs = {
  readonly lanes: Readonly<Record<string, Readonly<Record<string, tf.Scalar>>>>;
  readonly strategy: Readonly<Record<string, tf.Scalar>>;
};

/** The adapter's parameters, the fully trained ones and the trained rows of a state. */
export function paramsOf({ adapter, trained, tokenRows }: TrainTree): TrainTree {
  return { adapter, trained, tokenRows };
}
