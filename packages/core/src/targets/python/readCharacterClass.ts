import { type CharacterSet, type CodeRange, categorySet, rangeSet, rangesOf } from './characterSet.ts';
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

/** Reads a Python character class after its `[`. */
export function readCharacterClass(scanner: PatternScanner, flags: PatternFlags): CharacterSet {
  const opened = scanner.position - 1;
  const isNegated = scanner.take('^');
  const ranges: CodeRange[] = [];
  const categories = new Set<string>();
  const add = (item: ClassItem, position: number) => {
    if ('category' in item) categories.add(item.category);
    else ranges.push(...rangesOf([item.code, item.code], flags, { scanner, position }));
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
    ranges.push(...rangesOf([low.code, high.code], flags, { scanner, position }));
  }
  const sets = [rangeSet(ranges), ...[...categories].map((letter) => categorySet(letter, flags))];
  return (code) => sets.some((has) => has(code)) !== isNegated;
}
