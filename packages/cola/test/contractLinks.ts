import { adalora } from '@peft/adalora';
import { type AnyStrategy, perTarget } from '@peft/core';
import { toyStrategy } from '@peft/core/testing';
import { lora } from '@peft/lora';
import { cola } from '../src/index.ts';

/** AdaLoRA for links two steps long: one step of search, one with the ranks fixed. */
export const searching = () =>
  adalora({ initRank: 3, targetRank: 1, alpha: 4, warmupSteps: 0, finalSteps: 1 }) as AnyStrategy;

const mixed = () =>
  perTarget([
    { targets: ['query'], strategy: searching() },
    { targets: ['embed', 'head'], strategy: lora({ rank: 2 }) },
  ]);

/** What links are made of, by name; a chain must not care. */
export const contractLinks: Readonly<Record<string, (index: number) => AnyStrategy>> = {
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

/** Compositions with a chain somewhere inside, by name. */
export const contractChains: Readonly<
  Record<string, { readonly make: () => AnyStrategy; readonly run?: { readonly steps: number } }>
> = {
  ...Object.fromEntries(
    Object.entries(contractLinks).map(([name, link]) => [
      `a chain of ${name}`,
      { make: () => cola(link, { links: 3 }) as AnyStrategy },
    ]),
  ),
  'a chain of chains of AdaLoRA': {
    make: () => cola(cola(searching(), { links: 2 }), { links: 2 }),
    run: { steps: 8 },
  },
  'routes, one of which is a chain': {
    make: () =>
      perTarget([
        { targets: ['query'], strategy: cola(lora({ rank: 2 }), { links: 2, restart: 'all' }) },
        { targets: ['embed', 'head'], strategy: toyStrategy() },
      ]),
  },
};
