import { PeftError } from '@peft/ops';
import { compilePattern } from './python/compilePattern.ts';

/** Numbers by regular expression, as in Python's `rank_pattern` and `alpha_pattern`. */
export type TargetPattern = Readonly<Record<string, number>>;

/** One key of a pattern, ready to match a path's end on a dot boundary. */
export type PatternKey = { readonly key: string; readonly value: number; readonly matches: (path: string) => boolean };

/**
 * The keys of a pattern, sorted, each matched as `(.*\.)?(KEY)$` from the start of a path.
 * @throws PeftError `target/pattern` for a key that is no regular expression.
 */
export function patternKeys(pattern: TargetPattern): readonly PatternKey[] {
  return Object.keys(pattern)
    .sort()
    .map((key) => {
      const expression = compilePattern(key, { before: '(.*\\.)?(', after: ')$', call: 'match' });
      return { key, value: Number(pattern[key]), matches: (path) => expression.test(path) };
    });
}

/** The sentence about keys with different values that all match one path; undefined when their values agree. */
export function patternConflict(path: string, hits: readonly PatternKey[]): string | undefined {
  if (new Set(hits.map(({ value }) => value)).size < 2) return undefined;
  const keys = hits.map(({ key, value }) => `"${key}" (${value})`).join(', ');
  return `target "${path}" is matched by keys with different values, ${keys}`;
}

/** Why conflicts are refused, and the way out. */
export const conflictRemedy =
  'files keep keys sorted, so which comes first would change on reload; anchor a key with "^" or give it a longer path so that one matches';

/**
 * The number a pattern gives to the target at `path`, or `fallback` when no key matches.
 * @throws PeftError `target/ambiguous-pattern` when keys with different values match, `target/pattern` for a key that
 * is no regular expression.
 */
export function resolvePattern(pattern: TargetPattern, path: string, fallback: number): number {
  const hits = patternKeys(pattern).filter(({ matches }) => matches(path));
  const conflict = patternConflict(path, hits);
  if (conflict !== undefined) throw new PeftError('target/ambiguous-pattern', `${conflict}; ${conflictRemedy}.`);
  return hits[0]?.value ?? fallback;
}
