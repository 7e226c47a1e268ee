import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { bits, stream } from './bits.ts';

const STREAMS = 400;
const LENGTH = 2048;

/** Sum of products of two streams about their means: a standard normal number if they are independent. */
function correlation(first: (i: number) => number, second: (i: number) => number): number {
  let sum = 0;
  for (let i = 0; i < LENGTH; i++) sum += (first(i) / 2 ** 32 - 0.5) * (second(i) / 2 ** 32 - 0.5);
  return (12 * sum) / Math.sqrt(LENGTH);
}

/** Mean square of many standard normal numbers is 1 within 5 standard errors; fewer than one in a million fails. */
function expectStandard(scores: readonly number[]): void {
  const mean = scores.reduce((sum, z) => sum + z, 0) / scores.length;
  const square = scores.reduce((sum, z) => sum + z * z, 0) / scores.length;
  expect(Math.abs(mean) * Math.sqrt(scores.length)).toBeLessThan(5);
  expect(Math.abs(square - 1)).toBeLessThan(5 * Math.sqrt(2 / scores.length));
}

const indices = Array.from({ length: STREAMS }, (_, index) => index);

describe('bits', () => {
  it('is the same uint32 everywhere: other engines must reproduce these', () => {
    const triples = [
      [0, 0, 0],
      [1, 0, 0],
      [0, 1, 0],
      [0, 0, 1],
      [0xffffffff, 0x80000000, 12345],
      [123456789, 987654321, 0xffffffff],
    ] as const;
    expect(triples.map(([key0, key1, counter]) => bits(key0, key1, counter))).toMatchInlineSnapshot(`
      [
        3694759886,
        2720742356,
        3864370307,
        661099713,
        2282300643,
        645336980,
      ]
    `);
  });

  it('reads keys and counters by their bit patterns', () => {
    const uint32 = fc.integer({ min: 0, max: 0xffffffff });
    fc.assert(
      fc.property(uint32, uint32, uint32, (key0, key1, counter) => {
        const value = bits(key0, key1, counter);
        expect(Number.isInteger(value) && value >= 0 && value <= 0xffffffff).toBe(true);
        expect(bits(key0 | 0, key1 | 0, counter | 0)).toBe(value);
      }),
    );
  });

  it('never repeats within a stream: it is a bijection of the counter', () => {
    const next = stream(3, 4);
    expect(new Set(Array.from({ length: 100_000 }, (_, index) => next(index))).size).toBe(100_000);
  });

  it.each([24, 16, 8, 0])('spreads the byte at bit %i evenly over neighbouring counters', (shift) => {
    const samples = 8 * LENGTH;
    const scores = indices.map((key) => {
      const next = stream(key, 7 * key + 1);
      const counts = new Float64Array(256);
      for (let i = 0; i < samples; i++) {
        const byte = (next(i) >>> shift) & 255;
        counts[byte] = (counts[byte] as number) + 1;
      }
      const expected = samples / 256;
      const chiSquare = counts.reduce((sum, count) => sum + (count - expected) ** 2 / expected, 0);
      return (chiSquare - 255) / Math.sqrt(2 * 255);
    });
    expectStandard(scores);
  });

  it.each([1, 2, 3, 64, 768, 3072])('shows no correlation at lag %i within a stream', (lag) => {
    expectStandard(
      indices.map((key) => {
        const next = stream(key, 5);
        return correlation(next, (i) => next(i + lag));
      }),
    );
  });

  it.each([
    ['one step apart in the first key', (key: number) => [stream(key, 9), stream(key + 1, 9)] as const],
    ['one step apart in the second key', (key: number) => [stream(9, key), stream(9, key + 1)] as const],
    ['one high bit apart', (key: number) => [stream(key, 9), stream(key ^ 0x80000000, 9)] as const],
    ['one high bit apart in the second key', (key: number) => [stream(9, key), stream(9, key ^ 0x80000000)] as const],
    ['with swapped keys', (key: number) => [stream(key, key + 3), stream(key + 3, key)] as const],
    ['with equal keys', (key: number) => [stream(key, key), stream(key + 1, key + 1)] as const],
  ])('shows no correlation between streams %s', (_, pair) => {
    expectStandard(indices.map((key) => correlation(...pair(key))));
  });

  it('flips each output bit half of the time when one input bit flips', () => {
    const flips = Array.from({ length: 96 }, () => new Float64Array(32));
    const trials = 2000;
    for (let trial = 0; trial < trials; trial++) {
      const inputs = [0, 1, 2].map((input) => bits(trial, input, 77)) as [number, number, number];
      const value = bits(...inputs);
      for (let flipped = 0; flipped < 96; flipped++) {
        const changed = inputs.map((word, at) => (at === flipped >> 5 ? word ^ (1 << (flipped & 31)) : word));
        const difference = value ^ bits(...(changed as [number, number, number]));
        const counts = flips[flipped] as Float64Array;
        for (let bit = 0; bit < 32; bit++) counts[bit] = (counts[bit] as number) + ((difference >>> bit) & 1);
      }
    }
    const worst = Math.max(...flips.flatMap((counts) => Array.from(counts, (count) => Math.abs(count / trials - 0.5))));
    expect(worst).toBeLessThan(0.15);
  });
});
