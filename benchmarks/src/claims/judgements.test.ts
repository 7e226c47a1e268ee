import { expect, test } from 'vitest';
import { accuraciesPicture } from './accuraciesPicture.ts';
import { globalFloor, uniformFloor } from './b3FindsPlantedRanks.ts';
import { differenceSaid, pointsBetween } from './differenceSaid.ts';
import { floorsSaid, isAtFloor, residualsSaid } from './floorCheck.ts';
import { ranksPicture } from './ranksPicture.ts';
import { sameRanks } from './sameRanks.ts';

test('a residual is at its floor within 2 % or 0.001, from either side', () => {
  expect(isAtFloor([0.4461 * 1.0199, 0.0009], [0.4461, 0])).toBe(true);
  expect(isAtFloor([0.4461 * 1.0201], [0.4461])).toBe(false);
  expect(isAtFloor([0.4461 * 0.97], [0.4461])).toBe(false);
  expect(isAtFloor([0.00101], [0])).toBe(false);
});

test('residuals are said by link', () => {
  expect(
    residualsSaid([
      [0.5, 0.25],
      [0.6, 0.25],
    ]),
  ).toBe('0.5000 to 0.6000; 0.2500');
  expect(floorsSaid([0.44612, 0])).toBe('within 2 % or 0.001 of 0.4461; 0.0000');
});

test('the floors of B3 and B5', () => {
  expect(uniformFloor([6, 4, 3, 2, 1, 0, 0, 0], 2).toFixed(4)).toBe('0.2684');
  expect(uniformFloor([6, 6, 4, 4, 2, 2, 0, 0], 2).toFixed(4)).toBe('0.3386');
  expect(globalFloor([6, 6, 4, 4, 2, 2, 0, 0], 16).toFixed(4)).toBe('0.1544');
});

test('rank vectors count only when they are the same throughout', () => {
  expect(
    sameRanks(
      [
        [2, 1],
        [1, 2],
        [2, 1],
      ],
      [2, 1],
    ),
  ).toBe(2);
});

test('a difference is said in points with its standard error', () => {
  expect(differenceSaid(pointsBetween([0.97, 0.95], [0.94, 0.94]))).toBe('+2.00 ± 1.00 (2 of 2 seeds positive)');
  expect(differenceSaid(pointsBetween([0.9, 0.9], [0.92, 0.9]))).toBe('-1.00 ± 1.00 (0 of 2 seeds positive)');
});

test('pictures put larger values further along', () => {
  const x = (svg: string) => [...svg.matchAll(/cx="([\d.]+)"/g)].map((match) => Number(match[1]));
  const svg = accuraciesPicture([
    { name: 'one', values: [0.9, 0.92] },
    { name: 'two', values: [0.97, 0.97], isChain: true },
  ]);
  const [low, high] = x(svg) as [number, number];
  expect(low).toBeLessThan(high);
  expect(svg).toContain('over 2 seeds');
  const ranks = ranksPicture(
    [2, 0],
    [
      [2, 0],
      [1, 1],
    ],
  );
  expect(ranks).toContain('rank 2 in 1 of 2 seeds');
  expect([...ranks.matchAll(/<circle/g)]).toHaveLength(4);
  expect([...ranks.matchAll(/class="planted"/g)]).toHaveLength(2);
});
