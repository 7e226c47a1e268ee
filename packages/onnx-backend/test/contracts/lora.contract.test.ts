import { strategyLaws } from '@peft/core/testing';
import { lora } from '@peft/lora';
import { contractVariants, roundingVariants } from '@peft/lora/test';
import * as tf from '@tensorflow/tfjs';
import { beforeAll, describe, it } from 'vitest';
import { onnxEngine } from '../../src/index.ts';

const engine = onnxEngine();

beforeAll(async () => {
  await tf.setBackend('cpu');
});

describe.each(Object.entries(contractVariants))('compiled lora with %s', (name, options) => {
  const identity = roundingVariants.includes(name) ? 'rounding' : 'exact';
  for (const law of strategyLaws(() => lora(options), { identity, run: { engine } })) it(law.name, law.check);
});
