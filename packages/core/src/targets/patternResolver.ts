import { PeftError } from '@peft/ops';
import { compilePattern } from './python/compilePattern.ts';
import { plainEnd } from './python/plainEnd.ts';
import { stepBudget, stepsForText } from './python/stepBudget.ts';
import { cutText } from './sayList.ts';

/** Numbers by regular expression, as in Python's `rank_pattern` and `alpha_pattern`. */
export type TargetPattern = Readonly<Record<string, number>>;

/** One key of a pattern with its number. */
export type PatternKey = { readonly key: string; readonly value: number };

/**
 * Finds the keys of a pattern that match a path, sorted, each as `(.*\.)?(KEY)$` from the start of the path.
 * @throws PeftError `target/pattern` for a key that is no regular expression, and when it is called for a path on which
 * the keys together take too many steps.
 */
export function patternKeys(pattern: TargetPattern): (path: string) => readonly PatternKey[] {
  const budget = stepBudget();
  const frame = { before: '(.*\\.)?(', after: ')$', call: 'match', budget } as const;
  const keys = Object.keys(pattern)
    .sort()
    .map((key) => ({ key, value: Number(pattern[key]), quick: plainEnd(key), expression: compilePattern(key, frame) }));
  return (path) => {
    budget.left = stepsForText;
    return keys.filter(({ quick, expression }) => quick?.(path) ?? expression.test(path));
  };
}

/** The sentence about keys with different values that all match one path; undefined when their values agree. */
export function patternConflict(path: string, hits: readonly PatternKey[]): string | undefined {
  if (new Set(hits.map(({ value }) => value)).size < 2) return undefined;
  const shown = hits.slice(0, 10).map(({ key, value }) => `"${cutText(key)}" (${value})`);
  const more = hits.length > shown.length ? ` and ${hits.length - shown.length} more` : '';
  return `target "${path}" is matched by keys with different values, ${shown.join(', ')}${more}`;
}

/** Why conflicts are refused, and the way out. */
export const conflictRemedy =
  'files keep keys sorted, so which comes first would change on reload; anchor a key with "^" or give it a longer path so that one matches';

/**
 * Finds the number that a pattern gives to the target at a path, undefined where no key matches.
 * @throws PeftError `target/ambiguous-pattern` when keys with different values match, and as `patternKeys` does.
 */
export function patternResolver(pattern: TargetPattern): (path: string) => number | undefined {
  const keysOf = patternKeys(pattern);
  return (path) => {
    const hits = keysOf(path);
    const conflict = patternConflict(path, hits);
    if (conflict !== undefined) throw new PeftError('target/ambiguous-pattern', `${conflict}; ${conflictRemedy}.`);
    return hits[0]?.value;
  };
}
