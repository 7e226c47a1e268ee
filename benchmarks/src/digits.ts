import { readFileSync } from 'node:fs';
import { gunzipSync } from 'node:zlib';
import { type HostArray, hostArray } from '@peft/core';
import { type Digit, mostInk, side } from '@peft-examples/quickstart/src/digits.ts';

/** A file of the quickstart. Sources and the built file lie equally deep under the root. */
export const quickstartFile = (path: string) => new URL(`../../examples/quickstart/${path}`, import.meta.url);

/** The quickstart's 1,797 images of digits. */
export function readDigits(): readonly Digit[] {
  const lines = gunzipSync(readFileSync(quickstartFile('data/digits.csv.gz')))
    .toString('utf8')
    .trim()
    .split('\n');
  return lines.map((line) => {
    const values = line.split(',').map(Number);
    return { ink: values.slice(0, side * side), digit: values[side * side] as number };
  });
}

/** Ink from 0 to 1 as x [n, 64], and classes counted from the lowest digit. */
export function flatDigits(digits: readonly Digit[], lowest: number): Readonly<Record<'x' | 'labels', HostArray>> {
  const ink = digits.flatMap((digit) => digit.ink.map((value) => value / mostInk));
  return {
    x: hostArray(ink, [digits.length, side * side]),
    labels: hostArray(Int32Array.from(digits, ({ digit }) => digit - lowest)),
  };
}
