import { adalora } from '@peft/adalora';
import { cola } from '@peft/cola';
import { type AnyStrategy, adamw, batches, type FineTuneOptions, loraPlus, regression, sgd } from '@peft/core';
import { toyData } from '@peft/core/testing';
import { lora } from '@peft/lora';

/** A run worth killing: everything but its model, and how often it is saved. */
export type Recipe = { readonly options: FineTuneOptions; readonly every: number; readonly keep: number };

const evaluated = { data: batches(toyData(3), { batchSize: 5, shuffle: false }), every: 3 };

const common: FineTuneOptions = {
  targets: ['embed', 'layer.0.query', 'head'],
  modulesToSave: ['layer.1.query'],
  bias: 'adapted',
  loss: regression(),
  data: batches(toyData(), { batchSize: 5 }),
  steps: 30,
  optimizer: adamw({ weightDecay: 0.01 }),
  schedule: (step, total) => 0.03 * (1 - step / (2 * total)),
  seed: 3,
  progress: false,
};

/** Knots, prunes, compaction, dropout, accumulation, evaluation, best states and early stopping between them. */
export const recipes: Readonly<Record<string, () => Recipe>> = {
  'a chain of adalora, saved at every step': () => ({
    every: 1,
    keep: 2,
    options: {
      ...common,
      strategy: cola(adalora({ initRank: 3, targetRank: 1, warmupSteps: 1, finalSteps: 2, dropout: 0.1 }), {
        links: 4,
      }),
      accumulate: 2,
      maxGradientNorm: 0.5,
      evaluation: evaluated,
      keepBest: true,
    },
  }),
  'adalora that is compacted, saved every 3 steps': () => ({
    every: 3,
    keep: 1,
    options: {
      ...common,
      strategy: adalora({ initRank: 4, targetRank: 1, warmupSteps: 3, finalSteps: 8, allocateEvery: 2 }),
      accumulate: 3,
      evaluation: evaluated,
      keepBest: true,
    },
  }),
  'a chain of unequal links, saved every 4 steps': () => ({
    every: 4,
    keep: 3,
    options: {
      ...common,
      strategy: cola(
        (index): AnyStrategy => (index === 1 ? lora({ rank: 3, dora: true }) : lora({ rank: 2, dropout: 0.2 })),
        { steps: [7, 11, 12], restart: 'all' },
      ),
      groups: [loraPlus(4)],
      evaluation: { ...evaluated, every: 2 },
    },
  }),
  'lora that stops early, saved every 2 steps': () => ({
    every: 2,
    keep: 2,
    options: {
      ...common,
      strategy: lora({ rank: 2, dropout: 0.1 }),
      optimizer: sgd({ momentum: 0.9 }),
      schedule: (step) => (step < 9 ? 0.02 : 0.4),
      evaluation: { ...evaluated, every: 1 },
      earlyStopping: { patience: 4 },
    },
  }),
};
