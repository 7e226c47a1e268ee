import type { AnyStrategy } from '@peft/core';
import { strategyLaws } from '@peft/core/testing';
import * as tf from '@tensorflow/tfjs';
import '@tensorflow/tfjs-backend-wasm';
import { beforeAll, describe, it } from 'vitest';
import { type AdaLoraOptions, adalora } from './index.ts';

// Six steps: one of warm-up, three of search, two with the ranks fixed.
const life: AdaLoraOptions = { initRank: 3, targetRank: 1, alpha: 4, warmupSteps: 1, finalSteps: 2 };

const variants: Readonly<Record<string, AdaLoraOptions>> = {
  'as it is': life,
  'with dead triplets kept': { ...life, compact: false },
  'as Python does': { ...life, compat: 'peft' },
  'scoring before the step': { ...life, scoring: 'before', allocateEvery: 2 },
  'with dropout and no penalty': { ...life, dropout: 0.3, orthogonality: 0 },
  'with targets at rank 0': { ...life, targetRank: undefined, targetBudget: 2 },
};

// The plain JavaScript backend takes the two whose kernels differ most; wasm takes all.
const onBackend = { cpu: ['as it is', 'as Python does'], wasm: Object.keys(variants) };

describe.each(Object.entries(onBackend))('on %s', (backend, names) => {
  beforeAll(async () => {
    await tf.setBackend(backend);
  });

  describe.each(Object.entries(variants).filter(([name]) => names.includes(name)))('adalora %s', (_, options) => {
    for (const law of strategyLaws(() => adalora(options) as AnyStrategy)) it(law.name, law.check);
  });
});
