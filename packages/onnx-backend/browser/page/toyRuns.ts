import { adalora } from '@peft/adalora';
import { cola } from '@peft/cola';
import { type AnyStrategy, adamw, batches, perTarget, regression, sgd } from '@peft/core';
import { toyData } from '@peft/core/testing';
import { lora } from '@peft/lora';
import type { Settings } from './train.ts';

const any = (strategy: unknown) => strategy as AnyStrategy;

/** Fifty steps each, with an evaluation every ten. */
export const toySteps = 50;

const run = (strategy: AnyStrategy, more: Partial<Settings> = {}): Settings => ({
  strategy,
  targets: ['embed', 'query', 'head'],
  bias: 'adapted',
  loss: regression(),
  data: batches(toyData(), { batchSize: 6 }),
  evaluation: { data: batches(toyData(2), { batchSize: 8 }), every: 10 },
  steps: toySteps,
  optimizer: adamw({ weightDecay: 0.01 }),
  schedule: (step, total) => 0.02 * (1 - step / (2 * total)),
  maxGradientNorm: 0.5,
  seed: 5,
  ...more,
});

const searching = { initRank: 3, warmupSteps: 3, finalSteps: 4 } as const;

/** Training runs of the toy model that between them use all that the loop and the strategies do. */
export const toyRuns: Readonly<Record<string, { readonly settings: Settings; readonly knots: number }>> = {
  LoRA: { settings: run(any(lora({ rank: 2 }))), knots: 0 },
  'LoRA, dropout 0.3, two micro-batches a step': {
    settings: run(any(lora({ rank: 2, dropout: 0.3 })), { accumulate: 2 }),
    knots: 0,
  },
  DoRA: { settings: run(any(lora({ rank: 2, dora: true }))), knots: 0 },
  'LoRA with SGD': {
    settings: run(any(lora({ rank: 2 })), {
      optimizer: sgd({ momentum: 0.9, nesterov: true, weightDecay: 0.01 }),
    }),
    knots: 0,
  },
  'AdaLoRA, dropout 0.1': { settings: run(any(adalora({ ...searching, targetRank: 2, dropout: 0.1 }))), knots: 0 },
  'COLA of LoRA, dropout 0.1': {
    // Of five seeds the one least sensitive to rounding: Adam divides by the root of what is nearly nothing after a knot.
    settings: run(any(cola(any(lora({ rank: 2, dropout: 0.1 })), { links: 3 })), { seed: 9 }),
    knots: 2,
  },
  'COLA of AdaLoRA': {
    settings: run(any(cola(any(adalora({ ...searching, targetRank: 2 })), { links: 2 }))),
    knots: 1,
  },
  'AdaLoRA on the head, COLA elsewhere': {
    settings: run(
      any(
        perTarget([
          { targets: ['head'], strategy: any(adalora({ ...searching, targetRank: 1 })) },
          { targets: ['embed', 'query'], strategy: any(cola(any(lora({ rank: 2 })), { links: 2 })) },
        ]),
      ),
    ),
    knots: 1,
  },
};
