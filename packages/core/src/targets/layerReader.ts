import { compilePattern } from './python/compilePattern.ts';
import { stepBudget, stepsForText } from './python/stepBudget.ts';

const firstNumber = compilePattern('.*?\\.[^.]*\\.(?P<idx>\\d+)\\.', { call: 'match' });

/**
 * Reads the layer number of a path: its first numbered segment that has a container and something before that, or the
 * number after the first container in `patterns` that occurs. Undefined when there is none.
 * @throws PeftError `target/pattern` for a container that is no regular expression.
 */
export function layerReader(patterns: readonly string[]): (path: string) => number | undefined {
  const budget = stepBudget();
  const frame = { before: '(?:^|.*?\\.)', after: '\\.(?P<idx>\\d+)\\.', call: 'match', budget } as const;
  const readers = patterns.length === 0 ? [firstNumber] : patterns.map((pattern) => compilePattern(pattern, frame));
  return (path) => {
    budget.left = stepsForText;
    for (const reader of readers) {
      const groups = reader.groupsIn(path);
      if (groups === undefined) continue;
      const digits = groups.get('idx');
      return digits === undefined ? undefined : Number(digits);
    }
    return undefined;
  };
}
