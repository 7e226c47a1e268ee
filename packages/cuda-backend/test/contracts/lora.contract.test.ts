import { strategyLaws } from '@peft/core/testing';
import { lora } from '@peft/lora';
import { contractVariants, roundingVariants } from '@peft/lora/test';
import * as tf from '@tensorflow/tfjs';
import { beforeAll, describe, it } from 'vitest';
import { simulatedEngine } from '../engine/simulatedEngine.ts';
import { someOf } from '../engine/someOf.ts';
import { simulated } from '../simulator/simulated.ts';
import { simulatedControl } from '../simulator/simulatedLibraries.ts';

simulated('on the simulated device', () => {
  const engine = simulatedEngine();

  beforeAll(async () => {
    await tf.setBackend('cpu');
    simulatedControl().configure();
  });

  describe.each(someOf(contractVariants, 1))('lora with %s', (name, options) => {
    const identity = roundingVariants.includes(name) ? 'rounding' : 'exact';
    for (const law of strategyLaws(() => lora(options), { identity, run: { engine } })) it(law.name, law.check);
  });
});
