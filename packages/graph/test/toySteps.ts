import { adalora } from '@peft/adalora';
import { cola } from '@peft/cola';
import {
  type AnyModel,
  type AnyStrategy,
  adamw,
  batches,
  type Engine,
  fineTune,
  type Optimizer,
  regression,
  sgd,
} from '@peft/core';
import { toyData, toyModel } from '@peft/core/testing';
import { lora } from '@peft/lora';

export interface ToyStep {
  readonly strategy: () => AnyStrategy;
  readonly optimizer?: Optimizer;
  readonly accumulate?: number;
}

const searching = { initRank: 3, warmupSteps: 1, finalSteps: 1 } as const;

/** Training steps of the toy model that between them use all that the loop and the strategies do. */
export const toySteps: Readonly<Record<string, ToyStep>> = {
  LoRA: { strategy: () => lora({ rank: 2 }) as AnyStrategy },
  'LoRA with dropout': { strategy: () => lora({ rank: 2, dropout: 0.3 }) as AnyStrategy, accumulate: 2 },
  DoRA: { strategy: () => lora({ rank: 2, dora: true }) as AnyStrategy },
  AdaLoRA: { strategy: () => adalora({ ...searching, targetRank: 1, dropout: 0.1 }) as AnyStrategy },
  'COLA of LoRA': { strategy: () => cola(lora({ rank: 2 }) as AnyStrategy, { links: 2 }) },
  'COLA of AdaLoRA': {
    strategy: () => cola(adalora({ ...searching, targetRank: 2 }) as AnyStrategy, { links: 2 }),
  },
  'LoRA with SGD': {
    strategy: () => lora({ rank: 2 }) as AnyStrategy,
    optimizer: sgd({ momentum: 0.9, nesterov: true, weightDecay: 0.01 }),
  },
};

/** Eight steps of the toy model on an engine. */
export async function trainToy(
  { strategy, optimizer = adamw({ weightDecay: 0.01 }), accumulate = 1 }: ToyStep,
  engineOf: Engine | ((model: AnyModel) => Engine),
): Promise<void> {
  const model = toyModel();
  const run = fineTune(model, {
    strategy: strategy(),
    targets: ['embed', 'query', 'head'],
    bias: 'adapted',
    loss: regression(),
    data: batches(toyData(), { batchSize: 6 }),
    steps: 8,
    accumulate,
    optimizer,
    schedule: (step, total) => 0.02 * (1 - step / (2 * total)),
    maxGradientNorm: 0.5,
    seed: 5,
    progress: false,
    onWarning: () => {},
    engine: typeof engineOf === 'function' ? engineOf(model) : engineOf,
  });
  const { dispose } = await run.result;
  dispose();
  model.weights.dispose();
}
