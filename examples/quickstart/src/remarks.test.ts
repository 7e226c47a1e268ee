import { expect, it } from 'vitest';
import { remarks } from './remarks.ts';

const result = (name: string, accuracyMean: number) => ({
  name,
  accuracyMean,
  about: '',
  accuracySd: 0,
  trainableParameters: 1,
  adapterBytes: 1,
  seconds: 1,
  learningRate: 1,
  runs: [],
});

it('names every rival that ended above the chain', () => {
  const results = [result('lora-r1', 0.9), result('lora-r5', 0.7), result('cola', 0.8), result('restart-only', 0.81)];
  expect(remarks(results)).toEqual([
    'In these figures one LoRA of its links’ rank and the control that never merges ended above the chain. A chain needs enough steps for every link: each begins anew.',
  ]);
});

it('says nothing where the chain is ahead or did not run', () => {
  expect(remarks([result('lora-r1', 0.5), result('cola', 0.8)])).toEqual([]);
  expect(remarks([result('lora-r1', 0.5)])).toEqual([]);
});
