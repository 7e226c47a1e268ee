import { type AdaLoraOptions, type AdaLoraState, rankPattern } from '@peft/adalora';
import type { AnyStrategy, TrainedAdapter } from '@peft/core';
import { fold } from '@peft/ops';
import { linear } from '@peft/schedulers';
import { linearMaps, mapPath, residualOf } from './linearMaps.ts';
import { gaussianStream } from './plantedBatches.ts';
import { evenlySpaced, plantedMatrix } from './plantedMatrix.ts';
import { squaredError } from './squaredError.ts';
import { trained } from './trained.ts';

export const mapRows = 32;
export const mapColumns = 24;
/** Ranks planted in B3: 16 in all over eight maps. */
export const unequalRanks = [6, 4, 3, 2, 1, 0, 0, 0];

/** Singular values of a map with this planted rank. */
export function plantedValues(rank: number, last = 1): readonly number[] {
  return evenlySpaced(2, last, rank);
}

/** AdaLoRA's settings of B3; alpha equals initRank, so that the scale is 1. */
export function searchOptions(options: AdaLoraOptions & { readonly initRank: number }): AdaLoraOptions {
  return {
    targetBudget: 16,
    alpha: options.initRank,
    orthogonality: 0.1,
    warmupSteps: 60,
    finalSteps: 200,
    allocateEvery: 10,
    ...options,
  };
}

export type SearchProblem = {
  readonly ranks: readonly number[];
  readonly strategy: AnyStrategy;
  readonly seed: number;
  readonly steps?: number;
  readonly noise?: number;
  readonly lastSingularValue?: number;
};

export type SearchResult = { readonly residual: number; readonly ranks: readonly number[] };

/** Trains a strategy on linear maps with planted ranks; residual and, of an adalora adapter, ranks found. */
export async function searchRanks<T extends object = object>(
  problem: SearchProblem,
  readMore?: (adapter: TrainedAdapter) => T | Promise<T>,
): Promise<SearchResult & Partial<T>> {
  const { ranks, strategy, seed, steps = 600, noise = 0.5, lastSingularValue } = problem;
  const planted = ranks.map((rank, index) =>
    plantedMatrix(fold(fold(seed, 'planted'), index), {
      rows: mapRows,
      columns: mapColumns,
      singularValues: plantedValues(rank, lastSingularValue),
    }),
  );
  const training = {
    strategy,
    targets: 'all-linear',
    loss: squaredError,
    data: gaussianStream(planted, { rows: 32, noise }),
    steps,
    schedule: linear(0.02),
    seed,
  };
  const model = linearMaps(planted);
  const result = await trained(model, training, async (adapter, weights) => ({
    residual: residualOf(weights, planted),
    ranks: await ranksFound(adapter.adapter.state as unknown as AdaLoraState, ranks.length),
    ...(await readMore?.(adapter)),
  }));
  model.weights.dispose();
  return result as SearchResult & Partial<T>;
}

async function ranksFound(state: AdaLoraState, maps: number): Promise<readonly number[]> {
  if (!state.mask) return [];
  const pattern = await rankPattern(state);
  return Array.from({ length: maps }, (_, index) => pattern[mapPath(index)]?.filter(Boolean).length ?? 0);
}
