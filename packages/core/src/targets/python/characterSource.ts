import type { PatternFlags } from './patternFlags.ts';
import type { PatternScanner } from './patternScanner.ts';

// Python's \d, \w and \s on text, compared with Unicode's categories over every code point.
const textCategories: Readonly<Record<string, string>> = {
  d: '\\p{Nd}',
  w: '\\p{L}\\p{N}_',
  s: '\\t-\\r\\x1c-\\x20\\x85\\xa0\\u1680\\u2000-\\u200a\\u2028\\u2029\\u202f\\u205f\\u3000',
};
const asciiCategories: Readonly<Record<string, string>> = { d: '0-9', w: '0-9A-Za-z_', s: '\\t-\\r\\x20' };

// What Python's IGNORECASE adds on text to the two cases of an ASCII letter: dotted and dotless i, Kelvin, long s.
const textCases: Readonly<Record<string, readonly number[]>> = { i: [0x130, 0x131], k: [0x212a], s: [0x17f] };

/** The inside of a JavaScript character class for Python's `\d`, `\w` or `\s`. */
export function categorySource(letter: string, flags: PatternFlags): string {
  return (flags.ascii ? asciiCategories : textCategories)[letter] ?? '';
}

/** One code point, escaped so that it is literal inside and outside a class. */
export function codeSource(code: number): string {
  const character = String.fromCodePoint(code);
  return /[0-9A-Za-z_]/.test(character) ? character : `\\u{${code.toString(16)}}`;
}

/** The inside of a class that matches the code points `low` to `high`, and their other cases where case is ignored. */
export function rangeSource(
  range: { readonly low: number; readonly high: number },
  flags: PatternFlags,
  at: { readonly scanner: PatternScanner; readonly position: number },
): string {
  const { low, high } = range;
  const plain = low === high ? codeSource(low) : `${codeSource(low)}-${codeSource(high)}`;
  if (!flags.ignoreCase) return plain;
  if (high > 127) {
    const remedy = 'spell out both cases without the flag i';
    at.scanner.fail(
      `ignoring case is translated for ASCII only, not for "${String.fromCodePoint(high)}"; ${remedy}`,
      at.position,
    );
  }
  const others: number[] = [];
  for (let code = low; code <= high; code += 1) {
    const letter = String.fromCharCode(code).toLowerCase();
    if (!/[a-z]/.test(letter)) continue;
    others.push(
      letter.charCodeAt(0),
      letter.toUpperCase().charCodeAt(0),
      ...(flags.ascii ? [] : (textCases[letter] ?? [])),
    );
  }
  return `${plain}${others.map(codeSource).join('')}`;
}
