import { type AdaLoraState, adalora, type ByTarget, type Triplets } from '@peft/adalora';
import type { AnyStrategy, Strategy } from '@peft/core';
import { lora } from '@peft/lora';
import { type ColaState, cola } from './index.ts';

// The data of a chain is that of its links.
export const chain: Strategy<ByTarget<Triplets>, ColaState<AdaLoraState>> = cola(adalora({}), { links: 3 });
export const nested = cola(cola(lora(), { links: 2 }), { links: 2 });
export const stepDown = cola((index) => lora({ rank: 4 - index }), { steps: [100, 50, 50], restart: 'all' });
export const inTurn = cola((index) => (index === 0 ? lora() : adalora({})), { links: 2 });
export const anywhere: readonly AnyStrategy[] = [chain, nested, stepDown, inTurn];

// @ts-expect-error: a number is no strategy
cola(42, { links: 2 });
// @ts-expect-error: a chain needs its options
cola(lora());
// @ts-expect-error: a function that makes no strategy
cola((index) => index, { links: 2 });
// @ts-expect-error: restart is one of three words
cola(lora(), { links: 2, restart: 'head' });
