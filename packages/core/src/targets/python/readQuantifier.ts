import type { PatternScanner } from './patternScanner.ts';

/** How often a part is repeated. */
export type Quantifier = { readonly least: number; readonly greatest: number };

const maxRepeat = 4294967295;

/** Reads a quantifier; undefined when none stands here, for a brace that does not form one is a plain character. */
export function readQuantifier(scanner: PatternScanner): Quantifier | undefined {
  if (scanner.take('?')) return { least: 0, greatest: 1 };
  if (scanner.take('*')) return { least: 0, greatest: Number.POSITIVE_INFINITY };
  if (scanner.take('+')) return { least: 1, greatest: Number.POSITIVE_INFINITY };
  const position = scanner.position;
  if (!scanner.take('{') || scanner.peek() === '}') {
    scanner.position = position;
    return undefined;
  }
  const low = scanner.takeWhile(/[0-9]/);
  const high = scanner.take(',') ? scanner.takeWhile(/[0-9]/) : low;
  if (!scanner.take('}')) {
    scanner.position = position;
    return undefined;
  }
  const least = low === '' ? 0 : Number(low);
  const greatest = high === '' ? Number.POSITIVE_INFINITY : Number(high);
  if (least > greatest) scanner.fail(`the least count ${low} is above the greatest ${high}; swap them`, position);
  if (least >= maxRepeat || (high !== '' && greatest >= maxRepeat)) {
    scanner.fail('this count is above what Python can repeat; lower it', position);
  }
  return { least, greatest };
}
