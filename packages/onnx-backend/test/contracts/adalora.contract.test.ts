import { adalora } from '@peft/adalora';
import { contractVariants } from '@peft/adalora/test';
import type { AnyStrategy } from '@peft/core';
import { strategyLaws } from '@peft/core/testing';
import * as tf from '@tensorflow/tfjs';
import { beforeAll, describe, it } from 'vitest';
import { onnxEngine } from '../../src/index.ts';

const engine = onnxEngine();

beforeAll(async () => {
  await tf.setBackend('cpu');
});

describe.each(Object.entries(contractVariants))('compiled adalora %s', (_, options) => {
  for (const law of strategyLaws(() => adalora(options) as AnyStrategy, { run: { engine } })) it(law.name, law.check);
});
