import { cola } from '@peft/cola';
import { contractChains, contractLinks } from '@peft/cola/test';
import type { AnyStrategy } from '@peft/core';
import { chainLaws, strategyLaws } from '@peft/core/testing';
import * as tf from '@tensorflow/tfjs';
import { beforeAll, describe, it } from 'vitest';
import { simulatedEngine } from '../engine/simulatedEngine.ts';
import { someOf } from '../engine/someOf.ts';
import { simulated } from '../simulator/simulated.ts';
import { simulatedControl } from '../simulator/simulatedLibraries.ts';

simulated('on the simulated device', () => {
  const engine = simulatedEngine();
  const chain = (each: (index: number) => AnyStrategy, options: Parameters<typeof cola>[1]) => cola(each, options);

  beforeAll(async () => {
    await tf.setBackend('cpu');
    simulatedControl().configure();
  });

  describe.each(someOf(contractLinks, 1))('chains over %s', (_name, link) => {
    for (const law of chainLaws(chain, link, { engine })) it(law.name, law.check);
  });

  describe.each(someOf(contractChains, 0))('%s', (_name, { make, run }) => {
    for (const law of strategyLaws(make, { run: { ...run, engine } })) it(law.name, law.check);
  });
});
