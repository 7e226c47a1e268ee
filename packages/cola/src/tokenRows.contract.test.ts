import type { AnyStrategy } from '@peft/core';
import { strategyLaws } from '@peft/core/testing';
import { lora } from '@peft/lora';
import * as tf from '@tensorflow/tfjs';
import '@tensorflow/tfjs-backend-wasm';
import { beforeAll, describe, it } from 'vitest';
import { searching } from '../test/contractLinks.ts';
import { cola } from './cola.ts';

const chains = {
  AdaLoRA: () => cola(searching(), { links: 3 }) as AnyStrategy,
  'LoRA that restarts everything': () => cola(lora({ rank: 2 }), { links: 2, restart: 'all' }) as AnyStrategy,
};
const run = { trainableTokens: { embed: [5, 0, 2] }, targets: ['query', 'head'] } as const;

beforeAll(async () => {
  await tf.setBackend('wasm');
});

describe.each(Object.entries(chains))('a chain of %s beside trained rows', (_, make) => {
  for (const law of strategyLaws(make, { run })) it(law.name, law.check);
});
