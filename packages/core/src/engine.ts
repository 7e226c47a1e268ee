import type { Scalar, Tensor } from '@tensorflow/tfjs';
import type { HostArray } from './hostArray.ts';
import type { Snapshot } from './tree.ts';
import type { Weights } from './weights.ts';

/** Host values of one run by name; a number enters as a 0-d float32 tensor. */
export type HostInputs = { readonly [key: string]: HostArray | number | HostInputs };

/** The same inputs as tensors. */
export type TensorInputs = { readonly [key: string]: Tensor | TensorInputs };

/**
 * A pure function of its state and inputs: no branch on a value, same structure and shapes of state out as in. Numbers
 * in the state are fixed for a compiled function and pass through it.
 */
export type StepFunction = (
  state: Snapshot,
  inputs: TensorInputs,
) => {
  readonly state: Snapshot;
  readonly metrics: Readonly<Record<string, Scalar>>;
  /** Tensors the caller wants to read, of any shape. */
  readonly outputs?: Readonly<Record<string, Tensor>>;
};

export type StepMetrics = Readonly<Record<string, number>>;

/** What a run of a step function gives back to the host. */
export type StepResult = { readonly metrics: StepMetrics; readonly outputs: Readonly<Record<string, HostArray>> };

/** Runs step functions. `eagerEngine` runs them operation by operation; others compile them. */
export interface Engine {
  readonly name: string;
  /**
   * Makes functions over one state ready to run. Frozen parameters that they read come from `weights`, which may be
   * rewritten between runs.
   */
  compile<Name extends string>(
    functions: Readonly<Record<Name, StepFunction>>,
    weights: Weights,
  ): Promise<Program<Name>>;
  /** Loads what the engine needs; rejects where it cannot run on this machine, with what is missing. */
  open?(): Promise<void>;
  /** What a user should know before a run on this engine, once it is open; each said once in the life of the process. */
  warnings?(): readonly string[];
}

/** Step functions ready to run, and the state they share, which the program owns. */
export interface Program<Name extends string = string> {
  /**
   * Takes over these tensors; those it held and the new state does not share are freed. A tensor stays what `state` and
   * `release` give back until a run replaces it.
   */
  bind(state: Snapshot): Promise<void>;
  /** Runs one function. The new state replaces the old only if every metric is finite. */
  run(name: Name, inputs: HostInputs): Promise<StepResult>;
  /** The current state, of the program's own tensors, which are good until the next run. */
  state(): Promise<Snapshot>;
  /** Gives the state up without freeing it. */
  release(): Promise<Snapshot>;
  dispose(): void;
}
