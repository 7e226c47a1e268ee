import type { LoraOptions } from '../src/index.ts';

/** What the contract is checked with, by name: between them all that an option can change. */
export const contractVariants: Readonly<Record<string, LoraOptions>> = {
  'the defaults': {},
  dropout: { rank: 3, alpha: 5, dropout: 0.2 },
  'rsLoRA, gaussian and patterns': {
    rank: 4,
    rsLora: true,
    init: 'gaussian',
    rankPattern: { query: 2 },
    alphaPattern: { '^embed': 3 },
  },
  DoRA: { rank: 3, alpha: 6, dora: true },
  'DoRA with dropout': { rank: 2, dora: true, dropout: 0.2 },
  'orthogonal factors': { rank: 4, init: 'orthogonal' },
};

/** A variant whose fresh delta is zero only to rounding. */
export const roundingVariants: readonly string[] = ['orthogonal factors'];
