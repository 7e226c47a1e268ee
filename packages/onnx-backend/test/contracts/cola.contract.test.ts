import { cola } from '@peft/cola';
import { contractChains, contractLinks } from '@peft/cola/test';
import type { AnyStrategy } from '@peft/core';
import { chainLaws, strategyLaws } from '@peft/core/testing';
import * as tf from '@tensorflow/tfjs';
import { beforeAll, describe, it } from 'vitest';
import { onnxEngine } from '../../src/index.ts';

const engine = onnxEngine();

beforeAll(async () => {
  await tf.setBackend('cpu');
});

describe.each(Object.entries(contractLinks))('compiled chains over %s', (_name, link) => {
  const chain = (each: (index: number) => AnyStrategy, options: Parameters<typeof cola>[1]) => cola(each, options);
  for (const law of chainLaws(chain, link, { engine })) it(law.name, law.check);
});

describe.each(Object.entries(contractChains))('compiled %s', (_name, { make, run }) => {
  for (const law of strategyLaws(make, { run: { ...run, engine } })) it(law.name, law.check);
});
