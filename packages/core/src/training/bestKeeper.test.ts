import { describe, expect, it } from 'vitest';
import { decidingValue, improves } from './bestKeeper.ts';
import type { BestState } from './trainingState.ts';

const best = (value: number): BestState => ({ step: 1, value, stale: 0, finishedCount: 0 });

describe('the best value', () => {
  it('is the lowest, or the highest of a metric where larger is better', () => {
    expect([improves(1, undefined, {}), improves(1, best(2), {}), improves(2, best(2), {})]).toEqual([
      true,
      true,
      false,
    ]);
    expect([improves(3, best(2), { mode: 'max' }), improves(1, best(2), { mode: 'max' })]).toEqual([true, false]);
  });

  it('must be better by more than the smallest change that counts', () => {
    expect([0.6, 0.5, 0.4].map((value) => improves(value, best(1), { minimumChange: 0.5 }))).toEqual([
      false,
      false,
      true,
    ]);
  });

  it('is never a value that is not finite', () => {
    expect([Number.NaN, Number.NEGATIVE_INFINITY].map((value) => improves(value, undefined, {}))).toEqual([
      false,
      false,
    ]);
    expect(improves(Number.NaN, best(1), { mode: 'max' })).toBe(false);
  });

  it('is the loss unless a metric is named', () => {
    const evaluation = { loss: 2, metrics: { accuracy: 0.5 } };
    expect([decidingValue(evaluation, {}), decidingValue(evaluation, { metric: 'accuracy' })]).toEqual([2, 0.5]);
  });
});
