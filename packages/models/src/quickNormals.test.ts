import { fold } from '@peft/core';
import { expect, test } from 'vitest';
import { quickNormals } from './quickNormals.ts';

const moment = (values: Float32Array, power: number) =>
  values.reduce((sum, value) => sum + value ** power, 0) / values.length;

test('draws have the moments of the normal distribution, and none is far out', () => {
  const values = quickNormals(fold(3, 'weights'), 400_001, 2);
  // Four standard errors of each estimate.
  expect(Math.abs(moment(values, 1))).toBeLessThan(0.013);
  expect(Math.abs(moment(values, 2) / 4 - 1)).toBeLessThan(0.009);
  expect(Math.abs(moment(values, 4) / 48 - 1)).toBeLessThan(0.021);
  const largest = values.reduce((most, value) => Math.max(most, Math.abs(value)), 0);
  expect(largest).toBeGreaterThan(8);
  expect(largest).toBeLessThan(8.8);
});

test('a share of the draws lies below each quantile', () => {
  const values = quickNormals(7, 200_000, 1);
  for (const [value, share] of [
    [-1.6448536, 0.05],
    [-0.6744898, 0.25],
    [0, 0.5],
    [1.2815516, 0.9],
    [2.3263479, 0.99],
  ] as const) {
    const below = values.filter((each) => each < value).length / values.length;
    expect(Math.abs(below - share)).toBeLessThan(4 * Math.sqrt((share * (1 - share)) / values.length));
  }
});

test('neighbours, and streams of neighbouring seeds, do not go together', () => {
  const count = 100_000;
  const [values, others] = [quickNormals(5, count, 1), quickNormals(6, count, 1)];
  const correlation = (left: Float32Array, right: Float32Array, shift: number) =>
    left.reduce((sum, value, index) => sum + value * (right[index + shift] ?? 0), 0) / count;
  for (const [right, shift] of [
    [values, 1],
    [values, 2],
    [values, 3],
    [others, 0],
    [others, 1],
  ] as const) {
    expect(Math.abs(correlation(values, right, shift))).toBeLessThan(4 / Math.sqrt(count));
  }
});

test('equal seeds give equal draws, a shorter draw the beginning of a longer one', () => {
  const values = quickNormals(9, 101, 1);
  expect(values).toEqual(quickNormals(9, 101, 1));
  expect(quickNormals(9, 7, 1)).toEqual(values.slice(0, 7));
  expect(quickNormals(10, 101, 1)).not.toEqual(values);
});
