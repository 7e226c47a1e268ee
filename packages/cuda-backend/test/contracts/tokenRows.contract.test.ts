import { adalora } from '@peft/adalora';
import { cola } from '@peft/cola';
import type { AnyStrategy } from '@peft/core';
import { chainLaws, strategyLaws } from '@peft/core/testing';
import { lora } from '@peft/lora';
import * as tf from '@tensorflow/tfjs';
import { beforeAll, describe, it } from 'vitest';
import { simulatedEngine } from '../engine/simulatedEngine.ts';
import { someOf } from '../engine/someOf.ts';
import { simulated } from '../simulator/simulated.ts';
import { simulatedControl } from '../simulator/simulatedLibraries.ts';

simulated('on the simulated device', () => {
  const engine = simulatedEngine();
  const run = { engine, trainableTokens: { embed: [5, 0, 2] }, targets: ['query', 'head'] } as const;
  const strategies = {
    AdaLoRA: () => adalora({ initRank: 3, targetRank: 1, warmupSteps: 1, finalSteps: 2 }) as AnyStrategy,
    LoRA: () => lora({ rank: 2 }) as AnyStrategy,
  };

  beforeAll(async () => {
    await tf.setBackend('cpu');
    simulatedControl().configure();
  });

  describe.each(someOf(strategies, 0))('%s beside trained rows', (_, make) => {
    for (const law of strategyLaws(make, { run })) it(law.name, law.check);
  });

  describe('a chain beside trained rows', () => {
    const [law] = chainLaws(cola, () => lora({ rank: 2 }) as AnyStrategy, run).filter(({ name }) =>
      name.includes('rows'),
    );
    if (law) it(law.name, law.check);
  });
});
