import { categorySource, rangeSource } from './characterSource.ts';
import type { PatternFlags } from './patternFlags.ts';
import type { PatternScanner } from './patternScanner.ts';
import { octalCode, readEscape } from './readEscape.ts';

type ClassItem = { readonly code: number } | { readonly category: string };

function readItem(scanner: PatternScanner, opened: number): ClassItem {
  const position = scanner.position;
  const character = scanner.next();
  if (character === '') scanner.fail('this set is never closed; close it with "]" or write "\\["', opened);
  if (character !== '\\') return { code: character.codePointAt(0) ?? 0 };
  const letter = scanner.peek();
  if (/[dDsSwW]/.test(letter)) return { category: scanner.next() };
  if (letter === 'b') {
    scanner.next();
    return { code: 8 };
  }
  if (/[0-7]/.test(letter)) return { code: octalCode(scanner, scanner.takeWhile(/[0-7]/, 3), position) };
  return { code: readEscape(scanner) };
}

/** Reads a Python character class after its `[` and gives a JavaScript expression for one code point. */
export function readCharacterClass(scanner: PatternScanner, flags: PatternFlags): string {
  const opened = scanner.position - 1;
  const isNegated = scanner.take('^');
  let inside = '';
  const outside: string[] = [];
  const add = (item: ClassItem, position: number) => {
    if ('code' in item) {
      inside += rangeSource({ low: item.code, high: item.code }, flags, { scanner, position });
    } else if (/[dsw]/.test(item.category)) {
      inside += categorySource(item.category, flags);
    } else {
      outside.push(`[^${categorySource(item.category.toLowerCase(), flags)}]`);
    }
  };
  for (let isFirst = true; isFirst || !scanner.take(']'); isFirst = false) {
    const position = scanner.position;
    const low = readItem(scanner, opened);
    if (scanner.peek() !== '-') {
      add(low, position);
      continue;
    }
    scanner.next();
    if (scanner.peek() === ']') {
      add(low, position);
      add({ code: 45 }, position);
      continue;
    }
    const high = readItem(scanner, opened);
    if (!('code' in low) || !('code' in high) || high.code < low.code) {
      scanner.fail('this range of characters has no order; put the lower one first or write "\\-"', position);
    }
    inside += rangeSource({ low: low.code, high: high.code }, flags, { scanner, position });
  }
  if (outside.length === 0) return `[${isNegated ? '^' : ''}${inside}]`;
  const any = [...(inside === '' ? [] : [`[${inside}]`]), ...outside].join('|');
  return isNegated ? `(?:(?!${any})[^])` : `(?:${any})`;
}
