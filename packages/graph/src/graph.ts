import type { Tensor } from '@tensorflow/tfjs';
import type { OpAttributes, OpName } from './ops/opAttributes.ts';
import type { TensorType, TypedArray } from './tensorType.ts';

/** One tensor of a graph: the object is its identity. */
export interface Value extends TensorType {}

/** One operation, by its tfjs kernel name. */
export type Node = {
  [Op in OpName]: {
    readonly op: Op;
    readonly inputs: readonly Value[];
    readonly attributes: OpAttributes[Op];
    readonly outputs: readonly Value[];
  };
}[OpName];

/** What changes from run to run. */
export interface Input {
  readonly name: string;
  readonly value: Value;
}

/** What a run reads where it is: a tensor made before the capture, or a host array. */
export interface Parameter {
  readonly name: string;
  readonly value: Value;
  readonly source: Tensor | TypedArray;
}

/** Numbers of the graph itself; a `number` fills the whole shape. */
export interface Constant {
  readonly value: Value;
  readonly data: number | TypedArray;
}

export interface Output {
  readonly name: string;
  readonly value: Value;
}

/** The record that the captured function returned: names of outputs, and the plain numbers it returned. */
export type Structure = { readonly [key: string]: { readonly output: string } | number | Structure };

/** A captured function: nodes in an order in which they can run. */
export interface Graph {
  readonly inputs: readonly Input[];
  readonly parameters: readonly Parameter[];
  readonly constants: readonly Constant[];
  readonly nodes: readonly Node[];
  readonly outputs: readonly Output[];
  readonly structure: Structure;
}
