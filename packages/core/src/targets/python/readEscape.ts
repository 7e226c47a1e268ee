import type { PatternScanner } from './patternScanner.ts';

const controls: Readonly<Record<string, number>> = { a: 7, f: 12, n: 10, r: 13, t: 9, v: 11, '\\': 92 };
const hexLengths: Readonly<Record<string, number>> = { x: 2, u: 4, U: 8 };

/**
 * Reads what follows a backslash where it stands for one character, in a class or outside, and gives its code point.
 * Octal and back references differ between the two places and are the callers'.
 */
export function readEscape(scanner: PatternScanner): number {
  const position = scanner.position - 1;
  const letter = scanner.next();
  if (letter === '') scanner.fail('a lone backslash ends it; write "\\\\" for a backslash', position);
  const control = controls[letter];
  if (control !== undefined) return control;
  const length = hexLengths[letter];
  if (length !== undefined) {
    const digits = scanner.takeWhile(/[0-9a-fA-F]/, length);
    const code = Number.parseInt(digits, 16);
    if (digits.length < length) scanner.fail(`"\\${letter}" needs ${length} hexadecimal digits`, position);
    if (code > 0x10ffff) scanner.fail(`"\\${letter}${digits}" is beyond Unicode's last character`, position);
    return code;
  }
  if (letter === 'N') {
    scanner.fail('"\\N{...}" needs Python\'s table of character names; write the character or "\\uXXXX"', position);
  }
  if (/[A-Za-z0-9]/.test(letter)) {
    scanner.fail(`"\\${letter}" means nothing in Python; leave out the backslash or write "\\\\"`, position);
  }
  return letter.codePointAt(0) ?? 0;
}

/** The code point of up to three octal digits. */
export function octalCode(scanner: PatternScanner, digits: string, position: number): number {
  const code = Number.parseInt(digits, 8);
  if (code > 0o377) scanner.fail(`octal "\\${digits}" is above "\\377"; write "\\uXXXX"`, position);
  return code;
}
