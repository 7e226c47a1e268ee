import { expect, test } from 'vitest';
import { widenedSearch } from './widenedSearch.ts';

const peakAt = (peak: number) => async (rate: number) => -Math.abs(Math.log(rate / peak));

test('a best rate inside needs no further ones', async () => {
  const { best, scores } = await widenedSearch([0.003, 0.01, 0.03, 0.1], peakAt(0.01));
  expect(best).toBe(0.01);
  expect([...scores.keys()]).toEqual([0.003, 0.01, 0.03, 0.1]);
});

test('a best rate at an end is followed outwards until it lies inside', async () => {
  const up = await widenedSearch([0.003, 0.01, 0.03], peakAt(0.1));
  expect(up.best).toBe(0.09);
  expect([...up.scores.keys()]).toEqual([0.003, 0.01, 0.03, 0.09, 0.3]);
  const down = await widenedSearch([0.003, 0.01, 0.03], peakAt(0.001));
  expect([...down.scores.keys()]).toEqual([0.0003, 0.0009, 0.003, 0.01, 0.03]);
});

test('at most two further rates are tried', async () => {
  const { best, scores } = await widenedSearch([1, 2], async (rate) => rate);
  expect([...scores.keys()]).toEqual([1, 2, 4, 8]);
  expect(best).toBe(8);
});

test('of equal scores the lowest rate is best', async () => {
  const { best } = await widenedSearch([1, 2, 3], async (rate) => (rate === 1 ? 0 : 1));
  expect(best).toBe(2);
});
