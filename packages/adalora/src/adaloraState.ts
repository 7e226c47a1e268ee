import type { Tensor } from '@tensorflow/tfjs';

/** A low-rank change as triplets: a [in, r], lambda [r], b [r, out]; triplet i is a[:, i], lambda[i], b[i, :]. */
export type Triplets = { readonly a: Tensor; readonly lambda: Tensor; readonly b: Tensor };

/** Data of targets by path. */
export type ByTarget<T> = { readonly [path: string]: T };

/** Moving averages of every parameter's importance and of how much that importance varies. */
export type ImportanceAverages = {
  readonly sensitivity: ByTarget<Triplets>;
  readonly uncertainty: ByTarget<Triplets>;
};

/** What both phases keep: the clock of this life and, per target, 1 for every live triplet of the first `initRank`. */
type Progress = { readonly step: number; readonly totalSteps: number; readonly mask: ByTarget<Tensor> };

/** Ranks are still being searched: importance is averaged and triplets come and go. */
export type SearchState = Progress & { readonly averages: ImportanceAverages };

/** The ranks are fixed: the averages are gone and masked triplets stay at zero. */
export type FinalState = Progress;

export type AdaLoraState = SearchState | FinalState;

/** True until the final phase begins. */
export function isSearching(state: AdaLoraState): state is SearchState {
  return 'averages' in state;
}
