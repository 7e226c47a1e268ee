import { type HostArray, hostArray } from '@peft/core';
import { type Digit, mostInk, readDigits as readQuickstartDigits, side } from '@peft-examples/quickstart/src/digits.ts';

/** A file of the quickstart. Sources and the built file lie equally deep under the root. */
export const quickstartFile = (path: string) => new URL(`../../examples/quickstart/${path}`, import.meta.url);

/** The quickstart's images of digits. */
export const readDigits = () => readQuickstartDigits(quickstartFile('data/digits.csv.gz'));

/** Ink from 0 to 1 as x [n, 64], and classes counted from the lowest digit. */
export function flatDigits(digits: readonly Digit[], lowest: number): Readonly<Record<'x' | 'labels', HostArray>> {
  const ink = digits.flatMap((digit) => digit.ink.map((value) => value / mostInk));
  return {
    x: hostArray(ink, [digits.length, side * side]),
    labels: hostArray(Int32Array.from(digits, ({ digit }) => digit - lowest)),
  };
}
