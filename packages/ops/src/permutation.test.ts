import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { permutation } from './permutation.ts';

describe('permutation', () => {
  it('holds every index once', () => {
    fc.assert(
      fc.property(fc.integer({ min: 0, max: 0xffffffff }), fc.nat({ max: 300 }), (seed, count) => {
        const sorted = permutation(seed, count).sort();
        expect(sorted).toEqual(Int32Array.from({ length: count }, (_, index) => index));
      }),
    );
  });

  it('gives all orders of four equally often', () => {
    const trials = 24_000;
    const counts = new Map<string, number>();
    for (let seed = 0; seed < trials; seed++) {
      const order = permutation(seed, 4).join();
      counts.set(order, (counts.get(order) ?? 0) + 1);
    }
    expect(counts.size).toBe(24);
    const chiSquare = [...counts.values()].reduce((sum, count) => sum + (count - 1000) ** 2 / 1000, 0);
    expect(chiSquare).toBeLessThan(55); // 23 degrees of freedom: exceeded twice in 10,000.
  });

  it('is the same order for ever', () => {
    expect(Array.from(permutation(3, 8))).toMatchInlineSnapshot(`
      [
        4,
        2,
        6,
        5,
        3,
        0,
        7,
        1,
      ]
    `);
  });

  it('refuses counts and seeds that are none', () => {
    expect(() => permutation(1, 0.5)).toThrow(
      'cannot draw 0.5 random values; ask for an integer from 0 to 2147483647.',
    );
    expect(() => permutation(-2, 1)).toThrow('seed -2 is not an integer from 0 to 4294967295; pass one that is.');
  });
});
