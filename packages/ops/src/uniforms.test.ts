import { describe, expect, it } from 'vitest';
import { uniforms } from './uniforms.ts';

describe('uniforms', () => {
  it('draws multiples of 2^-24 in [0, 1), and a longer draw begins with the shorter', () => {
    const values = uniforms(11, 10_000);
    expect(values.every((value) => value >= 0 && value < 1 && Number.isInteger(value * 2 ** 24))).toBe(true);
    expect(uniforms(11, 100)).toEqual(values.subarray(0, 100));
    expect(uniforms(12, 100)).not.toEqual(values.subarray(0, 100));
    expect(uniforms(11, 0)).toEqual(new Float32Array());
  });

  it('has the mean, variance and distribution of the uniform law', () => {
    const count = 200_000;
    const values = uniforms(1, count).sort();
    const mean = values.reduce((sum, value) => sum + value, 0) / count;
    const variance = values.reduce((sum, value) => sum + (value - mean) ** 2, 0) / count;
    expect(Math.abs(mean - 1 / 2) / Math.sqrt(1 / 12 / count)).toBeLessThan(4);
    expect(Math.abs(variance - 1 / 12) / Math.sqrt(1 / 180 / count)).toBeLessThan(4);
    const distance = values.reduce((worst, value, rank) => Math.max(worst, Math.abs(value - rank / count)), 0);
    expect(distance * Math.sqrt(count)).toBeLessThan(2); // Kolmogorov: exceeded once in 1,500.
  });

  it('refuses counts and seeds that are none', () => {
    for (const count of [-1, 1.5, 2 ** 31]) {
      expect(() => uniforms(1, count)).toThrow(
        `cannot draw ${count} random values; ask for an integer from 0 to 2147483647.`,
      );
    }
    expect(() => uniforms(-1, 1)).toThrow('seed -1 is not an integer from 0 to 4294967295; pass one that is.');
  });
});
