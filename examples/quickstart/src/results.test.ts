import { expect, it } from 'vitest';
import { summarise } from './results.ts';

const run = (accuracy: number, seconds: number) => ({
  seed: 1,
  accuracy,
  seconds,
  losses: [],
  accuracies: [],
  ranks: [],
  trainableParameters: 7,
});
const known = { name: 'm', about: '', adapterBytes: 3, learningRate: 0.1 };

it('summarises by mean and sample standard deviation', () => {
  const { accuracyMean, accuracySd, seconds } = summarise(known, [run(0.5, 1), run(0.7, 3)]);
  expect(accuracyMean).toBeCloseTo(0.6, 12);
  expect(accuracySd).toBeCloseTo(Math.sqrt(0.02), 12);
  expect(seconds).toBe(2);
});

it('has no spread with one run', () => {
  expect(summarise(known, [run(0.5, 1)]).accuracySd).toBe(0);
});
