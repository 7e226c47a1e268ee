import type { PatternFlags } from './patternFlags.ts';
import type { PatternScanner } from './patternScanner.ts';

/** True for the code points of a set. */
export type CharacterSet = (code: number) => boolean;

/** Code points from `low` to `high`. */
export type CodeRange = readonly [low: number, high: number];

// Python's \d, \w and \s on text, compared with Unicode's categories over every code point.
const digits = /^\p{Nd}$/u;
const wordCharacters = /^[\p{L}\p{N}_]$/u;
const spaces: readonly CodeRange[] = [
  ...([
    [9, 13],
    [0x1c, 0x20],
    [0x85, 0x85],
    [0xa0, 0xa0],
    [0x1680, 0x1680],
    [0x2000, 0x200a],
  ] as const),
  ...([
    [0x2028, 0x2029],
    [0x202f, 0x202f],
    [0x205f, 0x205f],
    [0x3000, 0x3000],
  ] as const),
];
const asciiDigits: readonly CodeRange[] = [[48, 57]];
const asciiWord: readonly CodeRange[] = [
  [48, 57],
  [65, 90],
  [95, 95],
  [97, 122],
];
const asciiSpaces: readonly CodeRange[] = [
  [9, 13],
  [32, 32],
];

const asciiCategories: Readonly<Record<string, CharacterSet>> = {
  d: rangeSet(asciiDigits),
  w: rangeSet(asciiWord),
  s: rangeSet(asciiSpaces),
};
const textCategories: Readonly<Record<string, CharacterSet>> = {
  d: unicodeSet(digits, rangeSet(asciiDigits)),
  w: unicodeSet(wordCharacters, rangeSet(asciiWord)),
  s: rangeSet(spaces),
};

// What Python's IGNORECASE adds on text to the two cases of an ASCII letter: dotted and dotless i, Kelvin, long s.
const textCases: Readonly<Record<string, readonly number[]>> = { i: [0x130, 0x131], k: [0x212a], s: [0x17f] };

/** Python's `\d`, `\w` or `\s`, or with a capital letter everything else. */
export function categorySet(letter: string, flags: PatternFlags): CharacterSet {
  const lower = letter.toLowerCase();
  const has = (flags.ascii ? asciiCategories : textCategories)[lower] as CharacterSet;
  return letter === lower ? has : (code) => !has(code);
}

/** A set of ranges in any order. */
export function rangeSet(ranges: readonly CodeRange[]): CharacterSet {
  const sorted = [...ranges].sort(([left], [right]) => left - right);
  const [first, ...others] = sorted;
  if (first === undefined) return () => false;
  const [low, high] = first;
  if (others.length === 0) return (code) => code >= low && code <= high;
  // The highest end so far makes overlapping ranges safe to search.
  const ends: number[] = [];
  for (const [, end] of sorted) ends.push(Math.max(end, ends.at(-1) ?? 0));
  return (code) => {
    let [from, to] = [0, sorted.length];
    while (from < to) {
      const middle = (from + to) >> 1;
      if ((sorted[middle]?.[0] ?? 0) <= code) from = middle + 1;
      else to = middle;
    }
    return from > 0 && code <= (ends[from - 1] ?? -1);
  };
}

/** A range, and the other cases of its letters where case is ignored. */
export function rangesOf(
  [low, high]: CodeRange,
  flags: PatternFlags,
  at: { readonly scanner: PatternScanner; readonly position: number },
): readonly CodeRange[] {
  if (!flags.ignoreCase) return [[low, high]];
  if (high > 127) {
    const remedy = 'spell out both cases without the flag i';
    at.scanner.fail(
      `ignoring case is translated for ASCII only, not for "${String.fromCodePoint(high)}"; ${remedy}`,
      at.position,
    );
  }
  const ranges: CodeRange[] = [[low, high]];
  for (let code = low; code <= high; code += 1) {
    const letter = String.fromCharCode(code).toLowerCase();
    if (!/[a-z]/.test(letter)) continue;
    const cases = [letter.charCodeAt(0), letter.toUpperCase().charCodeAt(0)];
    if (!flags.ascii) cases.push(...(textCases[letter] ?? []));
    for (const each of cases) ranges.push([each, each]);
  }
  return ranges;
}

function unicodeSet(expression: RegExp, ascii: CharacterSet): CharacterSet {
  return (code) => (code < 128 ? ascii(code) : expression.test(String.fromCodePoint(code)));
}
