import type { AnyStrategy } from '@peft/core';
import { chainLaws, strategyLaws } from '@peft/core/testing';
import * as tf from '@tensorflow/tfjs';
import '@tensorflow/tfjs-backend-wasm';
import { beforeAll, describe, it } from 'vitest';
import { contractChains, contractLinks } from '../test/contractLinks.ts';
import { cola } from './cola.ts';

describe.each(['cpu', 'wasm'])('chain laws on %s', (backend) => {
  beforeAll(async () => {
    await tf.setBackend(backend);
  });
  describe.each(Object.entries(contractLinks))('over %s', (_name, link) => {
    const chain = (each: (index: number) => AnyStrategy, options: Parameters<typeof cola>[1]) => cola(each, options);
    for (const law of chainLaws(chain, link)) it(law.name, law.check);
  });
});

describe('laws of a strategy', () => {
  beforeAll(async () => {
    await tf.setBackend('cpu');
  });
  describe.each(Object.entries(contractChains))('over %s', (_name, { make, run }) => {
    for (const law of strategyLaws(make, { run })) it(law.name, law.check);
  });
});
