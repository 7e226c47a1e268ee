import { adalora } from '@peft/adalora';
import { contractVariants } from '@peft/adalora/test';
import type { AnyStrategy } from '@peft/core';
import { strategyLaws } from '@peft/core/testing';
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

  describe.each(someOf(contractVariants, 1))('adalora %s', (_, options) => {
    for (const law of strategyLaws(() => adalora(options) as AnyStrategy, { run: { engine } })) it(law.name, law.check);
  });
});
