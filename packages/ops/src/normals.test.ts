import { describe, expect, it } from 'vitest';
import { normals } from './normals.ts';

describe('normals', () => {
  it('draws the same values for ever, whatever the length', () => {
    const values = normals(7, 1001);
    expect(Array.from(values.subarray(0, 4))).toMatchInlineSnapshot(`
      [
        -0.34236446022987366,
        -0.6999240517616272,
        0.20473769307136536,
        -0.800126850605011,
      ]
    `);
    for (const count of [0, 1, 2, 3]) expect(normals(7, count)).toEqual(values.subarray(0, count));
    expect(normals(8, 4)).not.toEqual(values.subarray(0, 4));
  });

  it('has the first four moments and the tails of the normal law, also across seeds', () => {
    const many = normals(1, 200_000);
    const across = Float32Array.from({ length: 50_000 }, (_, seed) => normals(seed, 1)[0] as number);
    for (const values of [many, many.filter((_, index) => index % 2 === 1), across]) {
      const count = values.length;
      const moment = (power: number) => values.reduce((sum, value) => sum + value ** power, 0) / count;
      // Variances of the moments of the normal law: 1, 2, 15, 96.
      expect(Math.abs(moment(1)) * Math.sqrt(count)).toBeLessThan(4);
      expect(Math.abs(moment(2) - 1) * Math.sqrt(count / 2)).toBeLessThan(4);
      expect(Math.abs(moment(3)) * Math.sqrt(count / 15)).toBeLessThan(4);
      expect(Math.abs(moment(4) - 3) * Math.sqrt(count / 96)).toBeLessThan(4);
      const beyondTwo = values.filter((value) => Math.abs(value) > 2).length / count;
      expect(Math.abs(beyondTwo - 0.0455003) / Math.sqrt((0.0455 * 0.9545) / count)).toBeLessThan(4);
    }
  });

  it('shows no correlation between the two values of a pair, nor between neighbours', () => {
    const values = normals(2, 100_000);
    for (const lag of [1, 2, 3]) {
      let sum = 0;
      for (let i = 0; i + lag < values.length; i++) sum += (values[i] as number) * (values[i + lag] as number);
      expect(Math.abs(sum) / Math.sqrt(values.length)).toBeLessThan(4);
    }
  });

  it('refuses counts and seeds that are none', () => {
    expect(() => normals(1, -1)).toThrow('cannot draw -1 random values; ask for an integer from 0 to 2147483647.');
    expect(() => normals(0.5, 1)).toThrow('seed 0.5 is not an integer from 0 to 4294967295; pass one that is.');
  });
});
