import type { AnyStrategy } from '@peft/core';
import { strategyLaws } from '@peft/core/testing';
import * as tf from '@tensorflow/tfjs';
import '@tensorflow/tfjs-backend-wasm';
import { beforeAll, describe, it } from 'vitest';
import { contractVariants } from '../test/contractVariants.ts';
import { adalora } from './index.ts';

// The plain JavaScript backend takes the two whose kernels differ most; wasm takes all.
const onBackend = { cpu: ['as it is', 'as Python does'], wasm: Object.keys(contractVariants) };

describe.each(Object.entries(onBackend))('on %s', (backend, names) => {
  beforeAll(async () => {
    await tf.setBackend(backend);
  });

  describe.each(Object.entries(contractVariants).filter(([name]) => names.includes(name)))(
    'adalora %s',
    (_, options) => {
      for (const law of strategyLaws(() => adalora(options) as AnyStrategy)) it(law.name, law.check);
    },
  );
});
