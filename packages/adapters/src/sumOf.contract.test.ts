import { adalora } from '@peft/adalora';
import { cola } from '@peft/cola';
import type { AnyStrategy } from '@peft/core';
import { strategyLaws, toyModel, toyStrategy } from '@peft/core/testing';
import { lora } from '@peft/lora';
import * as tf from '@tensorflow/tfjs';
import { beforeAll, describe, expect, it } from 'vitest';
import { adapterOf } from '../test/index.ts';
import { sumOf } from './index.ts';

beforeAll(async () => {
  await tf.setBackend('cpu');
});

const [plain, dropping, dora] = [lora({ rank: 2 }), lora({ rank: 3, dropout: 0.2 }), lora({ rank: 2, dora: true })];

/** Sums that are trained, which they need not be to serve. */
const sums: Readonly<Record<string, () => AnyStrategy>> = {
  'LoRA and dropped LoRA': () =>
    sumOf([{ strategy: plain as AnyStrategy }, { strategy: dropping as AnyStrategy, weight: 0.5 }]) as never,
  'DoRA, and LoRA on one layer': () =>
    sumOf([
      { strategy: dora as AnyStrategy, weight: 0.7 },
      { strategy: plain as AnyStrategy, paths: ['layer.0.query'] },
    ]) as never,
  'a sum of a sum': () =>
    sumOf([
      { strategy: toyStrategy() as AnyStrategy, paths: ['embed', 'head'] },
      { strategy: sumOf([{ strategy: plain as AnyStrategy, weight: -1 }]) as never },
    ]) as never,
};

describe.each(Object.entries(sums))('sumOf %s', (_name, make) => {
  for (const law of strategyLaws(make, { identity: 'rounding' })) it(law.name, law.check);
});

it('refuses to be trained with parts that change their own state', async () => {
  const adaptive = adalora({ initRank: 3, targetRank: 1, warmupSteps: 1, finalSteps: 2 }) as AnyStrategy;
  const chain = cola(lora({ rank: 1 }), { links: 2 }) as AnyStrategy;
  const strategy = sumOf([{ strategy: adaptive }, { strategy: chain }, { strategy: plain as AnyStrategy }]) as never;
  await expect(adapterOf(toyModel(), strategy)).rejects.toThrow(
    'sumOf: "adalora", "cola(lora; 2 links)" changes its own state as it trains, which a sum does not pass on; train its adapter alone, and add the trained adapters up.',
  );
});
