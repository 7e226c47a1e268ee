import { describe, expect, it } from 'vitest';
import { mergedAxes } from './copyAxis.ts';

describe('mergedAxes', () => {
  it('joins neighbours that step as one on both sides, and drops axes of one place', () => {
    const merged = mergedAxes([
      { length: 5, from: 24, to: 100 },
      { length: 1, from: 7, to: 9 },
      { length: 2, from: 12, to: 12 },
      { length: 4, from: 3, to: 3 },
      { length: 3, from: 1, to: 1 },
    ]);
    expect(merged).toEqual([
      { length: 5, from: 24, to: 100 },
      { length: 24, from: 1, to: 1 },
    ]);
  });

  it('keeps neighbours apart that step as one on one side only', () => {
    const joined = [
      { length: 2, from: 3, to: 8 },
      { length: 3, from: 1, to: 1 },
    ];
    expect(mergedAxes(joined)).toEqual(joined);
    const split = joined.map(({ length, from, to }) => ({ length, from: to, to: from }));
    expect(mergedAxes(split)).toEqual(split);
  });

  it('leaves one axis of one number', () => {
    expect(mergedAxes([{ length: 1, from: 4, to: 9 }])).toEqual([{ length: 1, from: 1, to: 1 }]);
  });
});
