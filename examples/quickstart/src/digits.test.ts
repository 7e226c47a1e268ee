import { expect, test } from 'vitest';
import { digitColumns } from './digitColumns.ts';
import { mostInk, readDigits } from './digits.ts';
import { shiftDigits } from './shiftDigits.ts';
import { splitDigits } from './splitDigits.ts';

const digits = readDigits();

test('all 1,797 digits are read, with their ink', () => {
  const counts = Array.from({ length: 10 }, (_, digit) => digits.filter((row) => row.digit === digit).length);
  expect(counts).toEqual([178, 182, 177, 183, 181, 182, 181, 179, 174, 180]);
  expect(digits.every(({ ink }) => ink.length === 64 && ink.every((value) => value >= 0 && value <= mostInk))).toBe(
    true,
  );
  expect(digits[0]?.ink.slice(0, 8)).toEqual([0, 0, 5, 13, 9, 1, 0, 0]);
});

test('a split takes every row of its digits once, 60 : 15 : 25 of each, and is fixed by its seed', () => {
  const split = splitDigits(digits, { from: 5, seed: 1 });
  const parts = [split.train, split.validation, split.test];
  expect(parts.map((part) => part.length)).toEqual([537, 134, 225]);
  expect(new Set(parts.flat())).toEqual(new Set(digits.filter(({ digit }) => digit >= 5)));
  for (let digit = 5; digit < 10; digit++) {
    const all = digits.filter((row) => row.digit === digit).length;
    expect(split.test.filter((row) => row.digit === digit)).toHaveLength(Math.round(all * 0.25));
  }
  expect(splitDigits(digits, { from: 5, seed: 1 })).toEqual(split);
  expect(splitDigits(digits, { from: 5, seed: 2 }).test).not.toEqual(split.test);
});

test('columns hold ink between -1 and 1 and classes counted from the lowest digit', () => {
  const { pixelValues, labels } = digitColumns([{ ink: [0, 16, 8, ...Array(61).fill(4)], digit: 7 }], 5);
  expect(pixelValues.shape).toEqual([1, 1, 8, 8]);
  expect([...pixelValues.data.slice(0, 4)]).toEqual([-1, 1, 0, -0.5]);
  expect(labels).toEqual({ dtype: 'int32', shape: [1], data: Int32Array.of(2) });
});

test('a shift moves every row of pixels alike, to one side, and about half of the digits', () => {
  const moved = shiftDigits(digits, 3);
  const shifts = moved.map(({ ink, digit }, index) => {
    const original = digits[index]?.ink ?? [];
    expect(digit).toBe(digits[index]?.digit);
    const at = (pixel: number, right: number) => {
      const column = (pixel % 8) - right;
      return column < 0 || column > 7 ? 0 : original[pixel - right];
    };
    return [-1, 0, 1].filter((right) => ink.every((value, pixel) => value === at(pixel, right)));
  });
  expect(shifts.every((fitting) => fitting.length === 1)).toBe(true);
  const still = shifts.filter(([right]) => right === 0).length;
  expect(Math.abs(still / digits.length - 0.5)).toBeLessThan(0.05);
  expect(shiftDigits(digits, 3)).toEqual(moved);
});
