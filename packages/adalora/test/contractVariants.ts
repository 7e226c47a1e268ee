import type { AdaLoraOptions } from '../src/index.ts';

// Six steps: one of warm-up, three of search, two with the ranks fixed.
const life: AdaLoraOptions = { initRank: 3, targetRank: 1, alpha: 4, warmupSteps: 1, finalSteps: 2 };

/** What the contract is checked with, by name: between them all that an option can change. */
export const contractVariants: Readonly<Record<string, AdaLoraOptions>> = {
  'as it is': life,
  'with dead triplets kept': { ...life, compact: false },
  'as Python does': { ...life, compat: 'peft' },
  'scoring before the step': { ...life, scoring: 'before', allocateEvery: 2 },
  'with dropout and no penalty': { ...life, dropout: 0.3, orthogonality: 0 },
  'with targets at rank 0': { ...life, targetRank: undefined, targetBudget: 2 },
};
