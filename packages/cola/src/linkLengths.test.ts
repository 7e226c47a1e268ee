import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { linkLengths } from './linkLengths.ts';

describe('linkLengths', () => {
  it('cuts a run at floor(i * total / links), later links the longer', () => {
    expect(linkLengths(10, { links: 4 })).toEqual([2, 3, 2, 3]);
    expect(linkLengths(7, { links: 3 })).toEqual([2, 2, 3]);
    expect(linkLengths(6, { steps: [1, 5] })).toEqual([1, 5]);
  });

  it('makes links that fill the run and differ by one step at most', () => {
    fc.assert(
      fc.property(fc.integer({ min: 1, max: 40 }), fc.integer({ min: 0, max: 500 }), (links, more) => {
        const total = links + more;
        const lengths = linkLengths(total, { links });
        expect(lengths.length).toBe(links);
        expect(lengths.reduce((sum, length) => sum + length, 0)).toBe(total);
        expect(Math.max(...lengths) - Math.min(...lengths)).toBeLessThanOrEqual(1);
        expect(Math.min(...lengths)).toBeGreaterThanOrEqual(1);
      }),
    );
  });
});
