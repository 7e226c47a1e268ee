import type { PatternScanner } from './patternScanner.ts';

/** The flags of a Python expression, in force for a part of it. */
export type PatternFlags = {
  readonly ignoreCase: boolean;
  readonly multiline: boolean;
  readonly dotAll: boolean;
  readonly verbose: boolean;
  readonly ascii: boolean;
};

/** A Python `str` expression without flags. */
export const defaultPatternFlags: PatternFlags = {
  ignoreCase: false,
  multiline: false,
  dotAll: false,
  verbose: false,
  ascii: false,
};

const switches: Readonly<Record<string, Partial<PatternFlags>>> = {
  i: { ignoreCase: true },
  m: { multiline: true },
  s: { dotAll: true },
  x: { verbose: true },
  a: { ascii: true },
  u: { ascii: false },
};

/** The flags after switching on the letters of `(?on-off:...)` and then switching off those after the minus. */
export function applyPatternFlags(
  flags: PatternFlags,
  letters: { readonly on: string; readonly off: string },
  at: { readonly scanner: PatternScanner; readonly position: number },
): PatternFlags {
  const { on, off } = letters;
  const { scanner, position } = at;
  if (`${on}${off}`.includes('L')) {
    scanner.fail('the flag L is for bytes only and module paths are text; leave it out', position);
  }
  if (/[au]/.test(off))
    scanner.fail('the flags a and u cannot be switched off; leave them out after the "-"', position);
  if (on.includes('a') && on.includes('u')) {
    scanner.fail('the flags a and u exclude each other; keep one of them', position);
  }
  const both = [...off].find((letter) => on.includes(letter));
  if (both !== undefined) scanner.fail(`the flag ${both} is switched both on and off; keep one`, position);
  let result = flags;
  for (const letter of on) result = { ...result, ...switches[letter] };
  for (const letter of off) {
    const names = Object.keys(switches[letter] ?? {});
    result = { ...result, ...Object.fromEntries(names.map((name) => [name, false])) };
  }
  return result;
}
