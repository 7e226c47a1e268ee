import type { ModelParameter, StoredTensor } from '@peft/checkpoint';
import type { AnyModel, Weights } from '@peft/core';
import type { Tie } from './tiedHead.ts';

/** A kind of model: what makes one from a config.json and weights, and which parameters it has. */
export interface Family {
  model(config: Readonly<Record<string, unknown>>, weights: Weights): AnyModel;
  parameters(config: Readonly<Record<string, unknown>>): ReadonlyMap<string, ModelParameter>;
  /** Modules that a folder of another task lacks, which `loadPretrained` draws afresh when asked. */
  head(config: Readonly<Record<string, unknown>>): readonly string[];
  /** The tensors of a folder by the names of `parameters`, where files have others too or hold more than the model reads. */
  rename?(
    tensors: ReadonlyMap<string, StoredTensor>,
    config: Readonly<Record<string, unknown>>,
  ): ReadonlyMap<string, StoredTensor>;
  /** The name in files of a parameter, where it has another. */
  fileName?(path: string): string;
  /** The head that files hold only as the table it reads, where there is one. */
  tie?(config: Readonly<Record<string, unknown>>): Tie | undefined;
  /** The config of the same model with a head of its own beside the table, where files can hold both. */
  parted?(config: Readonly<Record<string, unknown>>): Readonly<Record<string, unknown>>;
}
