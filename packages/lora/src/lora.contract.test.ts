import { strategyLaws } from '@peft/core/testing';
import { describe, it } from 'vitest';
import { contractVariants, roundingVariants } from '../test/contractVariants.ts';
import { onEachBackend } from '../test/onEachBackend.ts';
import { lora } from './lora.ts';

onEachBackend(() => {
  describe.each(Object.entries(contractVariants))('lora with %s', (name, options) => {
    const identity = roundingVariants.includes(name) ? 'rounding' : 'exact';
    for (const law of strategyLaws(() => lora(options), { identity })) it(law.name, law.check);
  });
});
