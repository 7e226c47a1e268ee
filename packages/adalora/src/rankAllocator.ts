import type { Scalar, Tensor } from '@tensorflow/tfjs';
import type { ByTarget, Triplets } from './adaloraState.ts';

/** The data of one allocation. Targets come in path order. */
export type AllocationCall = {
  /** Importance of each triplet, at least 0: [initRank] per target. */
  readonly scores: ByTarget<Tensor>;
  /** The parameters as the optimizer left them. */
  readonly params: ByTarget<Triplets>;
  /** Live triplets in all targets together, a whole number. */
  readonly budget: Scalar;
};

/**
 * Decides which triplets live. Traced: no branch on a value, so a budget that falls needs no new graph.
 * Returns float32 masks of 0 and 1, [initRank] per target.
 */
export interface RankAllocator {
  readonly name: string;
  allocate(call: AllocationCall): ByTarget<Tensor>;
}
