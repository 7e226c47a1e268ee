import { adalora } from '@peft/adalora';
import { contractVariants as adaloraVariants } from '@peft/adalora/test';
import { cola } from '@peft/cola';
import { contractChains } from '@peft/cola/test';
import {
  type AnyModel,
  type AnyStrategy,
  adamw,
  batches,
  type FineTuneOptions,
  fineTune,
  perTarget,
  regression,
  type TrainedAdapter,
} from '@peft/core';
import { toyData, toyStrategy } from '@peft/core/testing';
import { lora } from '@peft/lora';
import { contractVariants as loraVariants } from '@peft/lora/test';

/** An adapter trained for a few steps on the toy model; the caller owns its tensors. */
export async function adapterOf(
  model: AnyModel,
  strategy: AnyStrategy | undefined,
  options: Partial<FineTuneOptions> = {},
): Promise<TrainedAdapter> {
  const result = await fineTune(model, {
    ...(strategy && { strategy, targets: ['embed', 'query', 'head'] }),
    loss: regression(),
    data: batches(toyData(), { batchSize: 6 }),
    steps: 6,
    optimizer: adamw(),
    schedule: 0.05,
    seed: 5,
    progress: false,
    onWarning: () => {},
    ...options,
  }).result;
  result.weights.dispose();
  return result.adapter;
}

/** Plain LoRA with an alpha of its own, so that two of them differ. */
export const plainLora = (alpha = 3) => lora({ rank: 2, alpha }) as AnyStrategy;

type Variant = { readonly make: () => AnyStrategy; readonly run?: Partial<FineTuneOptions> };

/** Every shipped strategy in every variant of its contract, by name. */
export const variants: Readonly<Record<string, Variant>> = {
  "an outsider's strategy": { make: () => toyStrategy({ scale: 2 }) as AnyStrategy },
  ...named('lora', loraVariants, (options) => ({ make: () => lora(options) as AnyStrategy })),
  ...named('adalora', adaloraVariants, (options) => ({ make: () => adalora(options) as AnyStrategy })),
  ...contractChains,
  'a chain of one DoRA link': { make: () => cola(lora({ rank: 2, dora: true }), { links: 1 }) as AnyStrategy },
  'routes of DoRA and AdaLoRA': {
    make: () =>
      perTarget([
        { targets: ['embed', 'layer.0.query'], strategy: lora({ rank: 2, dora: true }) as AnyStrategy },
        {
          targets: ['layer.1.query', 'head'],
          strategy: adalora({ initRank: 3, targetRank: 1, warmupSteps: 1, finalSteps: 2 }) as AnyStrategy,
        },
      ]) as AnyStrategy,
  },
};

function named<Options>(
  method: string,
  options: Readonly<Record<string, Options>>,
  variantOf: (options: Options) => Variant,
): Readonly<Record<string, Variant>> {
  return Object.fromEntries(Object.entries(options).map(([name, each]) => [`${method}, ${name}`, variantOf(each)]));
}
