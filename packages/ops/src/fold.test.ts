import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { fold } from './fold.ts';

describe('fold', () => {
  it('is the same seed for ever: saved runs depend on it', () => {
    expect([
      fold(0, ''),
      fold(0, 0),
      fold(7, 'layer.3.query'),
      fold(7, 42),
      fold(7, 2 ** 40),
      fold(1, 'é😀'),
    ]).toMatchInlineSnapshot(`
      [
        3461038929,
        1603376620,
        1349528220,
        2895662187,
        743477225,
        568684618,
      ]
    `);
  });

  it('is a uint32 that follows the order of what is folded', () => {
    const seed = fc.integer({ min: 0, max: 0xffffffff });
    const datum = fc.oneof(fc.string({ unit: 'grapheme' }), fc.maxSafeNat());
    fc.assert(
      fc.property(seed, datum, datum, (start, first, second) => {
        const folded = fold(fold(start, first), second);
        expect(Number.isInteger(folded) && folded >= 0 && folded <= 0xffffffff).toBe(true);
        expect(folded === fold(fold(start, second), first)).toBe(first === second);
      }),
    );
  });

  it('tells apart numbers from digits, a path from its parts, and prefixes from what they begin', () => {
    const seeds = [fold(1, 1), fold(1, '1'), fold(1, 'a'), fold(1, 'a\0'), fold(1, 'ab'), fold(fold(1, 'a'), 'b'), 1];
    expect(new Set(seeds).size).toBe(seeds.length);
  });

  it('collides no more often than 32 random bits do', () => {
    const names = Array.from(
      { length: 30_000 },
      (_, index) => `layer.${index % 300}.module.${Math.floor(index / 300)}`,
    );
    const numbers = Array.from({ length: 30_000 }, (_, index) => index);
    for (const data of [names, numbers]) {
      // Expected collisions are n^2 / 2^33 = 0.1.
      expect(new Set(data.map((datum) => fold(5, datum))).size).toBeGreaterThanOrEqual(data.length - 3);
    }
    const seeds = numbers.map((seed) => fold(seed, 'query'));
    expect(new Set(seeds).size).toBe(seeds.length);
  });

  it('flips half of the bits for the smallest change of seed, number or text', () => {
    const distance = (a: number, b: number) => ((a ^ b) >>> 0).toString(2).replace(/[^1]/g, '').length;
    const trials = 4000;
    const pairs: readonly ((i: number) => readonly [number, number])[] = [
      (i) => [fold(i, 'x'), fold(i + 1, 'x')],
      (i) => [fold(3, i), fold(3, i + 1)],
      (i) => [fold(3, `t${i}`), fold(3, `u${i}`)],
      (i) => [fold(3, i), fold(3, i + 2 ** 32)],
    ];
    for (const pair of pairs) {
      let flipped = 0;
      for (let i = 0; i < trials; i++) flipped += distance(...pair(i));
      const deviation = (flipped - 16 * trials) / Math.sqrt(8 * trials);
      expect(Math.abs(deviation)).toBeLessThan(5);
    }
  });

  it('refuses seeds that are no uint32 and numbers that are no integer', () => {
    for (const seed of [-1, 2 ** 32, 0.5, Number.NaN]) {
      expect(() => fold(seed, 'a')).toThrow(`seed ${seed} is not an integer from 0 to 4294967295; pass one that is.`);
    }
    for (const value of [-1, 0.5, 2 ** 53, Number.POSITIVE_INFINITY]) {
      expect(() => fold(1, value)).toThrow(
        `fold: ${value} is not an integer from 0 to 9007199254740991; fold an integer or a string.`,
      );
    }
  });
});
