import { compilePattern } from './python/compilePattern.ts';

/** How a path met a rule: the rule's own text, and whether as the whole name, as a suffix or as an expression. */
export type PathHit = { readonly rule: string; readonly by: 'name' | 'suffix' | 'pattern' };

/** Finds the rule that a path meets; undefined when it meets none. */
export type PathRule = (path: string) => PathHit | undefined;

// `exec` on an expression with g or y would remember where it stopped; m would let ^ and $ stop at a line.
function wholePath(expression: RegExp): RegExp {
  const source = `(?<![^])(?:${expression.source})(?![^])`;
  return new RegExp(source, expression.flags.replace(/[gy]/g, ''));
}

/** True when a dotted path is the name or ends with it after a dot. */
export function endsAtDot(path: string, name: string): boolean {
  return path === name || path.endsWith(`.${name}`);
}

/**
 * The rule of one selection: an expression for the whole path, or names. A whole name wins over a suffix, a longer
 * suffix over a shorter one.
 * @throws PeftError `target/pattern` for a string that is no regular expression.
 */
export function pathRule(selection: string | RegExp | readonly string[]): PathRule {
  if (typeof selection === 'string' || selection instanceof RegExp) {
    const isText = typeof selection === 'string';
    const expression = isText ? compilePattern(selection, { call: 'fullmatch' }) : wholePath(selection);
    const rule = isText ? `"${selection}"` : String(selection);
    return (path) => (expression.test(path) ? { rule, by: 'pattern' } : undefined);
  }
  const names = [...new Set(selection)].sort((left, right) => right.length - left.length);
  return (path) => {
    const name = names.find((each) => endsAtDot(path, each));
    return name === undefined ? undefined : { rule: `"${name}"`, by: name === path ? 'name' : 'suffix' };
  };
}
