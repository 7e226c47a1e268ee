import type { AnyModel, Engine, HostArray, HostBatch, TensorBatch, TrainedAdapter } from '@peft/core';
import type * as tf from '@tensorflow/tfjs';
import type { AdapterChoice } from './adapterChoice.ts';
import { checkSetCall } from './checkSetCall.ts';
import type { AdapterDescription } from './describeAdapter.ts';
import { LiveAdapters } from './liveAdapters.ts';
import type { AdapterSum } from './sumAdapters.ts';

export type AdapterSetOptions = {
  /** Runs `predict` and merges; tfjs operation by operation when left out. */
  readonly engine?: Engine;
};

/** Which adapters one call uses, in place of the active ones. */
export type CallOptions = {
  /** For all rows of the batch. */
  readonly adapters?: AdapterChoice;
  /** For each row; undefined is the base alone. */
  readonly rows?: readonly (AdapterChoice | undefined)[];
};

/**
 * Named adapters on one base, of any methods. What a call computes follows from the active adapters and their weights
 * alone: W + the sum of weight times (merged_i - W), whether merged or not. Asynchronous operations are carried out one
 * after another; one that fails changes nothing. The base is never written.
 */
export interface AdapterSet {
  readonly names: readonly string[];
  /** Weights of the active adapters by name, whether enabled or not. */
  readonly active: ReadonlyMap<string, number>;
  readonly isMerged: boolean;
  readonly isEnabled: boolean;
  /** Takes over a trained adapter under a new name, not active. Throws `adapters/name`, `adapters/shared` and those of `sumAdapters`. */
  add(name: string, trained: TrainedAdapter): Promise<void>;
  /** Frees an adapter that is not active. */
  remove(name: string): Promise<void>;
  /** Takes out an adapter that is not active; it is the caller's again. */
  take(name: string): Promise<TrainedAdapter>;
  /** Replaces an adapter, active or not, under its name and weight; the former is freed. Drops a merge of it. */
  swap(name: string, trained: TrainedAdapter): Promise<void>;
  /** Chooses the active adapters; a change drops the merge. */
  activate(choice: AdapterChoice): Promise<void>;
  /** Folds the active adapters into a copy of the weights that they change, so that a pass costs what the base's does. */
  merge(options?: { readonly safe?: boolean }): Promise<void>;
  /** Drops the copy; the base is what it was, bit for bit. */
  unmerge(): Promise<void>;
  /** From now on calls compute the base, bit for bit; what is active, and a merge, stay. */
  disable(): void;
  enable(): void;
  /** Disables for the time of a function, also one that throws, and goes back to what was before. */
  whileDisabled<Result>(use: () => Result): Result;
  /** The output, with the active adapters or those of the call; the caller owns it. */
  apply(batch: TensorBatch, options?: CallOptions): tf.Tensor;
  /** The same on the engine, with what was active when it was called. */
  predict(batch: HostBatch, options?: CallOptions): Promise<HostArray>;
  /** The active or chosen adapters as one, for `evaluate`, `saveAdapter` and the like; good while the set keeps them. */
  sum(choice?: AdapterChoice): AdapterSum;
  /** What every adapter changes, and by how much. */
  describe(): Promise<readonly (AdapterDescription & { readonly name: string; readonly weight: number | undefined })[]>;
  /** Frees all adapters that the set holds, once calls under way are done. */
  dispose(): Promise<void>;
}

/** An empty set of adapters on a model. Throws `adapters/set` for what is no model, and for options that are none. */
export function adapterSet(model: AnyModel, options: AdapterSetOptions = {}): AdapterSet {
  checkSetCall(model, options);
  return new LiveAdapters(model, options.engine);
}
