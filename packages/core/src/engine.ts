import type { Scalar, Tensor } from '@tensorflow/tfjs';
import type { HostArray } from './hostArray.ts';
import type { Snapshot } from './tree.ts';

/** Host values of one step by name; a number enters as a 0-d float32 tensor. */
export type HostInputs = { readonly [key: string]: HostArray | number | HostInputs };

/** The same inputs as tensors. */
export type TensorInputs = { readonly [key: string]: Tensor | TensorInputs };

/** A pure function of its state and inputs: no branch on a value, same structure and shapes out as in. */
export type StepFunction = (
  state: Snapshot,
  inputs: TensorInputs,
) => { readonly state: Snapshot; readonly metrics: Readonly<Record<string, Scalar>> };

export type StepMetrics = Readonly<Record<string, number>>;

/** Runs a step function. `eagerEngine` runs it operation by operation; others compile it. */
export interface Engine {
  readonly name: string;
  compile(step: StepFunction): Promise<Program>;
}

/** A step function ready to run, which owns the state bound to it. */
export interface Program {
  /** Takes over these tensors; those it held and the new state does not share are freed. */
  bind(state: Snapshot): void;
  /** One step. The new state replaces the old only if every metric is finite. */
  step(inputs: HostInputs): Promise<StepMetrics>;
  /** The current state; the program keeps owning it. */
  state(): Promise<Snapshot>;
  /** Gives the state up without freeing it. */
  release(): Snapshot;
  dispose(): void;
}
