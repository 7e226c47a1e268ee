import type { Scalar, Tensor } from '@tensorflow/tfjs';

/** One leaf's running values, by name. */
export type Slots = Readonly<Record<string, Tensor>>;

export type OptimizerCall = {
  readonly param: Tensor;
  readonly grad: Tensor;
  readonly slots: Slots;
  readonly learningRate: Scalar;
  /** What `inputs` gave for this leaf's step. */
  readonly inputs: Readonly<Record<string, Scalar>>;
  readonly weightDecay: number;
};

/** An optimizer as pure functions of one leaf. Moments and step counts belong to the leaf; the loop keeps them by path. */
export interface Optimizer {
  readonly name: string;
  /** Decay of leaves whose group does not set its own. */
  readonly weightDecay: number;
  /** What it was made with. A save records the plain values among these, and resuming with others is said. */
  readonly options?: object;
  /** Fresh slots of a leaf. */
  init(param: Tensor): Slots;
  /** Host numbers of the leaf's step (1 at the first), in float64. */
  inputs(step: number): Readonly<Record<string, number>>;
  /** Traced: a pure function of tensors. */
  update(call: OptimizerCall): { readonly param: Tensor; readonly slots: Slots };
}
