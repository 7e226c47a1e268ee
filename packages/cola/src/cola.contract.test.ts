import { adalora } from '@peft/adalora';
import { type AnyStrategy, perTarget } from '@peft/core';
import { chainLaws, strategyLaws, toyStrategy } from '@peft/core/testing';
import { lora } from '@peft/lora';
import * as tf from '@tensorflow/tfjs';
import '@tensorflow/tfjs-backend-wasm';
import { beforeAll, describe, it } from 'vitest';
import { cola } from './cola.ts';

// Links may be two steps long: one step of search, one with the ranks fixed.
const searching = () => adalora({ initRank: 3, targetRank: 1, alpha: 4, warmupSteps: 0, finalSteps: 1 });

const mixed = () =>
  perTarget([
    { targets: ['query'], strategy: searching() },
    { targets: ['embed', 'head'], strategy: lora({ rank: 2 }) },
  ]);

/** What links are made of, by name; a chain must not care. */
const links: Readonly<Record<string, (index: number) => AnyStrategy>> = {
  "an outsider's strategy": () => toyStrategy({ rank: 2, scale: 2 }),
  'ranks that step down': (index) => toyStrategy({ rank: 3 - index }),
  LoRA: () => lora({ rank: 2, alpha: 3 }),
  DoRA: () => lora({ rank: 2, dora: true }),
  AdaLoRA: () => searching(),
  'LoRA, AdaLoRA and DoRA in turn': (index) =>
    [lora({ rank: 2 }), searching(), lora({ rank: 1, dora: true })][index] as AnyStrategy,
  'AdaLoRA beside LoRA': () => mixed(),
  'chains of LoRA': () => cola(lora({ rank: 1 }), { links: 2 }),
};

describe.each(['cpu', 'wasm'])('chain laws on %s', (backend) => {
  beforeAll(async () => {
    await tf.setBackend(backend);
  });
  describe.each(Object.entries(links))('over %s', (_name, link) => {
    const chain = (each: (index: number) => AnyStrategy, options: Parameters<typeof cola>[1]) => cola(each, options);
    for (const law of chainLaws(chain, link)) it(law.name, law.check);
  });
});

describe('laws of a strategy', () => {
  beforeAll(async () => {
    await tf.setBackend('cpu');
  });
  describe.each(Object.entries(links))('over a chain of %s', (_name, link) => {
    for (const law of strategyLaws(() => cola(link, { links: 3 }))) it(law.name, law.check);
  });
  describe('over a chain of chains of AdaLoRA', () => {
    const make = () => cola(cola(searching(), { links: 2 }), { links: 2 });
    for (const law of strategyLaws(make, { run: { steps: 8 } })) it(law.name, law.check);
  });
  describe('over routes, one of which is a chain', () => {
    const make = () =>
      perTarget([
        { targets: ['query'], strategy: cola(lora({ rank: 2 }), { links: 2, restart: 'all' }) },
        { targets: ['embed', 'head'], strategy: toyStrategy() },
      ]);
    for (const law of strategyLaws(make)) it(law.name, law.check);
  });
});
