import { PeftError } from '@peft/ops';
import type { Target } from '../target.ts';
import { nearestPaths } from './nearestNames.ts';
import { conflictRemedy, patternConflict, patternKeys, type TargetPattern } from './patternResolver.ts';
import { cutText, sayCount, sayNames } from './sayList.ts';

/**
 * Refuses a pattern that `patternResolver` would refuse for one of the targets, or of which a key matches none of them.
 * `name` is the option's name in the message.
 * @throws PeftError `target/ambiguous-pattern` or, when no target is in conflict, `target/unmatched-pattern`, with the
 * whole list; `target/pattern` for a key that is no regular expression.
 */
export function checkPatterns(pattern: TargetPattern, targets: readonly Target[], name = 'pattern'): void {
  const keysOf = patternKeys(pattern);
  const paths = targets.map(({ path }) => path).sort();
  const used = new Set<string>();
  const conflicts = paths.flatMap((path) => {
    const hits = keysOf(path);
    for (const { key } of hits) used.add(key);
    const conflict = patternConflict(path, hits);
    return conflict === undefined ? [] : [`${conflict}; ${conflictRemedy}`];
  });
  const idle = Object.keys(pattern)
    .filter((key) => !used.has(key))
    .sort()
    .map((key) => {
      const nearest = nearestPaths(key, paths);
      const near = nearest.length === 0 ? '' : ` (nearest: ${sayNames(nearest)})`;
      return `key "${cutText(key)}" matches none of the ${sayCount(paths.length, 'selected target')}${near}; correct or remove it`;
    });
  const problems = [...conflicts, ...idle];
  if (problems.length === 0) return;
  const code = conflicts.length > 0 ? 'target/ambiguous-pattern' : 'target/unmatched-pattern';
  if (problems.length === 1) throw new PeftError(code, `${name}: ${problems[0]}.`);
  const lines = problems.map((problem) => `\n- ${problem}.`).join('');
  throw new PeftError(code, `${name}: ${problems.length} problems:${lines}`);
}
