import { adamw, type Engine, fineTune, mergeAdapter, toFloat32 } from '@peft/core';
import { plantedMaps } from '@peft/core/testing';
import { linear } from '@peft/schedulers';
import { type AdaLoraState, adalora, rankPattern } from '../src/index.ts';

export interface PlantedSearch {
  /** Rank of the change planted in each map. */
  readonly planted: readonly number[];
  readonly seed: number;
  readonly initRank: number;
  readonly engine?: Engine;
}

/** The ranks AdaLoRA gives eight planted maps with a budget of 16, and the part of the planted changes it misses. */
export async function ranksFound({ planted, seed, initRank, engine }: PlantedSearch) {
  const problem = plantedMaps(planted, { seed, noise: 0.5 });
  const { adapter, dispose } = await fineTune(problem.model, {
    strategy: adalora({
      initRank,
      alpha: initRank,
      targetBudget: 16,
      orthogonality: 0.1,
      warmupSteps: 60,
      finalSteps: 200,
      allocateEvery: 10,
    }),
    targets: 'all-linear',
    loss: problem.loss,
    data: problem.data,
    steps: 600,
    optimizer: adamw(),
    schedule: linear(0.02),
    seed,
    progress: false,
    onWarning: () => {},
    ...(engine && { engine }),
  }).result;
  const pattern = await rankPattern(adapter.adapter.state as AdaLoraState);
  const weights = await mergeAdapter(problem.model, adapter);
  const residual = problem.residual((path) => toFloat32(weights.get(`${path}.weight`)));
  weights.dispose();
  dispose();
  return { ranks: Object.values(pattern).map((live) => live.filter(Boolean).length), residual };
}
