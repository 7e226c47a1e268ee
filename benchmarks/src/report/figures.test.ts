import { expect, test } from 'vitest';
import { meanSaid, percent, rangeSaid, said, table } from './figures.ts';

test('a figure keeps its digits, unless they would hide it', () => {
  expect(said(0.14714)).toBe('0.1471');
  expect(said(0)).toBe('0.0000');
  expect(said(3.2e-7)).toBe('3.2e-7');
  expect(said(Number.POSITIVE_INFINITY)).toBe('Infinity');
  expect(said(2.5e9)).toBe('2.5e+9');
});

test('one seed has neither spread nor range', () => {
  expect(meanSaid([0.5])).toBe('0.5000');
  expect(meanSaid([0.4, 0.6], 2)).toBe('0.50 ± 0.14');
  expect(rangeSaid([0.5])).toBe('0.5000');
  expect(rangeSaid([0.5, 0.25], 2)).toBe('0.25 to 0.50');
  expect(percent([0.97, 0.99])).toBe('98.00 ± 1.41');
});

test('a table escapes what would end a cell', () => {
  expect(table(['a', 'b'], [['|lambda|', '2']])).toBe('| a | b |\n|---|---|\n| \\|lambda\\| | 2 |');
});
