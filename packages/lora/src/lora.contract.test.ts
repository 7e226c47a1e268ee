import { strategyLaws } from '@peft/core/testing';
import { describe, it } from 'vitest';
import { onEachBackend } from '../test/onEachBackend.ts';
import { lora } from './lora.ts';
import type { LoraOptions } from './loraOptions.ts';

const strategies: readonly (readonly [name: string, options: LoraOptions])[] = [
  ['the defaults', {}],
  ['dropout', { rank: 3, alpha: 5, dropout: 0.2 }],
  [
    'rsLoRA, gaussian and patterns',
    { rank: 4, rsLora: true, init: 'gaussian', rankPattern: { query: 2 }, alphaPattern: { '^embed': 3 } },
  ],
  ['DoRA', { rank: 3, alpha: 6, dora: true }],
  ['DoRA with dropout', { rank: 2, dora: true, dropout: 0.2 }],
];

onEachBackend(() => {
  describe.each(strategies)('lora with %s', (_name, options) => {
    for (const law of strategyLaws(() => lora(options))) it(law.name, law.check);
  });

  describe('lora with orthogonal factors', () => {
    for (const law of strategyLaws(() => lora({ rank: 4, init: 'orthogonal' }), { identity: 'rounding' }))
      it(law.name, law.check);
  });
});
