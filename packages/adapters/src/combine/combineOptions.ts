import type { Seed, TrainedAdapter } from '@peft/core';

/** An adapter and what its change counts; 1 when left out, negative to take it away. */
export type WeightedAdapter = { readonly adapter: TrainedAdapter; readonly weight?: number };

/** How the sign of an entry is elected: by the sum of the changes or by their number. */
export type Election = 'total' | 'frequency';

type Sparse = {
  /** Part of each change's entries that is kept, above 0 and at most 1. */
  readonly density: number;
};

type Random = {
  /** Of the draws; 0. The same seed drops the same entries. */
  readonly seed?: Seed;
};

type Elected = {
  /** `total`. */
  readonly election?: Election;
};

type Ranked = {
  /** Largest rank of a target, or `full`: all that its change has. The largest of the adapters' ranks when left out. */
  readonly rank?: number | 'full';
};

/** The methods whose result has the rank of the sum. */
type Exact = { readonly method?: 'linear' } | { readonly method: 'cat' };

/** The methods whose result is of any rank, which has to be bounded. */
type Approximate =
  | { readonly method: 'svd' }
  | ({ readonly method: 'magnitudePrune' } & Sparse)
  | ({ readonly method: 'ties' } & Sparse & Elected)
  | ({ readonly method: 'dareLinear' } & Sparse & Random)
  | ({ readonly method: 'dareTies' } & Sparse & Random & Elected);

/** After each target, of `total`, in the order of the model's. */
export type CombineProgress = { readonly target: string; readonly done: number; readonly total: number };

type Watched = { readonly onProgress?: (progress: CombineProgress) => void };

export type CombineOptions = (Exact | (Approximate & Ranked)) & Watched;

export type CombineIntoWeightsOptions = (Exact | Approximate) & Watched;

export type CombineMethod = NonNullable<CombineOptions['method']>;

/** The options with their defaults. */
export type Combination = {
  readonly method: CombineMethod;
  readonly density: number;
  readonly election: Election;
  readonly seed: Seed;
  readonly rank: number | 'full' | undefined;
};

/** The options that each method takes. */
export const optionsOf: Readonly<Record<CombineMethod, readonly (keyof Combination)[]>> = {
  cat: [],
  linear: [],
  svd: ['rank'],
  magnitudePrune: ['density', 'rank'],
  ties: ['density', 'election', 'rank'],
  dareLinear: ['density', 'seed', 'rank'],
  dareTies: ['density', 'seed', 'election', 'rank'],
};
