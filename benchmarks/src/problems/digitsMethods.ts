import { adalora } from '@peft/adalora';
import { cola } from '@peft/cola';
import type { AnyStrategy } from '@peft/core';
import { lora } from '@peft/lora';
import { restartOnly } from '@peft-examples/quickstart/src/restartOnly.ts';

/** A row of C1. */
export type DigitsMethod = {
  readonly name: string;
  /** A fresh strategy; undefined for full fine-tuning. */
  strategy(): AnyStrategy | undefined;
  readonly learningRates: readonly number[];
};

const links = 5;
const learningRates = [0.01, 0.02, 0.05, 0.1];

/** LoRA of scale 1. */
export const plainLora = (rank: number) => lora({ rank, alpha: rank });

/** AdaLoRA of scale 1 from `initRank` to an average of `targetRank`, with B3's phases. */
export const plainAdalora = (initRank: number, targetRank: number) =>
  adalora({ initRank, targetRank, alpha: initRank, warmupSteps: 60, finalSteps: 200, allocateEvery: 10 });

/** Every method of C1 and C3 by a short name. */
export const digitsMethods = {
  full: {
    name: 'full fine-tuning',
    strategy: () => undefined,
    learningRates: [0.005, 0.01, 0.02, 0.05],
  },
  loraR1: { name: 'LoRA r 1', strategy: () => plainLora(1), learningRates },
  restartOnly: {
    name: 'LoRA r 1, 5 restarts of rate and Adam, no merge',
    strategy: () => restartOnly(plainLora(1), links),
    learningRates,
  },
  cola: { name: 'COLA r 1 x 5', strategy: () => cola(plainLora(1), { links }), learningRates },
  adamKept: {
    name: 'COLA r 1 x 5, Adam state kept',
    strategy: () => cola(plainLora(1), { links, restart: 'none' }),
    learningRates,
  },
  oneDecay: {
    name: 'COLA r 1 x 5, one global decay',
    strategy: () => cola(plainLora(1), { links, schedule: 'continue' }),
    learningRates,
  },
  stepDown: {
    name: 'COLA (4, 2, 1)',
    strategy: () => cola((index) => plainLora([4, 2, 1][index] as number), { links: 3 }),
    learningRates,
  },
  loraR5: { name: 'LoRA r 5', strategy: () => plainLora(5), learningRates },
  loraR2: { name: 'LoRA r 2', strategy: () => plainLora(2), learningRates },
  colaR2: { name: 'COLA r 2 x 5', strategy: () => cola(plainLora(2), { links }), learningRates },
  adalora32: { name: 'AdaLoRA r 3 to 2 on average', strategy: () => plainAdalora(3, 2), learningRates },
  svd2: { name: 'AdaLoRA without allocation, r 2', strategy: () => plainAdalora(2, 2), learningRates },
  adalora21: { name: 'AdaLoRA r 2 to 1 on average', strategy: () => plainAdalora(2, 1), learningRates },
} satisfies Record<string, DigitsMethod>;

export type DigitsMethodKey = keyof typeof digitsMethods;
