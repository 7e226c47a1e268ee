import type { CharacterSet } from './characterSet.ts';
import type { Codes } from './patternNode.ts';

type Place = (codes: Codes, position: number) => boolean;

const newline = 10;

/** What a dot takes. */
export const isNoNewline: CharacterSet = (code) => code !== newline;

export const isStart: Place = (_, position) => position === 0;
export const isEnd: Place = (codes, position) => position === codes.length;
export const isLineStart: Place = (codes, position) => position === 0 || codes[position - 1] === newline;
export const isLineEnd: Place = (codes, position) => position === codes.length || codes[position] === newline;

/** Python's `$`. */
export const isEndOrLastNewline: Place = (codes, position) =>
  position === codes.length || (position === codes.length - 1 && codes[position] === newline);

/** `\b` between characters of a set and others. */
export function isBoundary(word: CharacterSet): Place {
  return (codes, position) => isIn(word, codes[position - 1]) !== isIn(word, codes[position]);
}

/** `\B`; Python before 3.14 finds none in an empty text. */
export function isNoBoundary(word: CharacterSet): Place {
  return (codes, position) => codes.length > 0 && isIn(word, codes[position - 1]) === isIn(word, codes[position]);
}

function isIn(word: CharacterSet, code: number | undefined): boolean {
  return code !== undefined && word(code);
}
