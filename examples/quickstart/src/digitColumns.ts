import { type HostArray, hostArray } from '@peft/core';
import { type Digit, mostInk, side } from './digits.ts';

/** What the model reads: ink scaled to -1 (paper) to 1 (darkest), and the class, counted from the lowest digit. */
export function digitColumns(
  digits: readonly Digit[],
  lowest: number,
): Readonly<Record<'pixelValues' | 'labels', HostArray>> {
  const pixels = digits.flatMap(({ ink }) => ink.map((value) => (2 * value) / mostInk - 1));
  return {
    pixelValues: hostArray(pixels, [digits.length, 1, side, side]),
    labels: hostArray(Int32Array.from(digits, ({ digit }) => digit - lowest)),
  };
}
