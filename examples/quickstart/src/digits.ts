import { readFileSync } from 'node:fs';
import { gunzipSync } from 'node:zlib';

/** Pixels along a side. */
export const side = 8;
/** Ink of the darkest pixel. */
export const mostInk = 16;

/** One image: ink of its pixels row by row, 0 to 16, and the digit it shows. */
export type Digit = { readonly ink: readonly number[]; readonly digit: number };

/** The 1,797 digits of data/digits.csv.gz, in the order of the file. A program of another folder says where that is. */
export function readDigits(file = new URL('../data/digits.csv.gz', import.meta.url)): readonly Digit[] {
  const lines = gunzipSync(readFileSync(file)).toString('utf8').trim().split('\n');
  return lines.map((line) => {
    const values = line.split(',').map(Number);
    return { ink: values.slice(0, side * side), digit: values[side * side] ?? Number.NaN };
  });
}
