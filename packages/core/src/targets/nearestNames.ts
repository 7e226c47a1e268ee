/** Levenshtein's distance: the least number of letters to insert, delete or replace. */
export function editDistance(left: string, right: string): number {
  let previous = Array.from({ length: right.length + 1 }, (_, index) => index);
  for (const [row, letter] of [...left].entries()) {
    const current = [row + 1];
    for (let column = 0; column < right.length; column += 1) {
      const replaced = (previous[column] ?? 0) + (letter === right[column] ? 0 : 1);
      current.push(Math.min(replaced, (previous[column + 1] ?? 0) + 1, (current[column] ?? 0) + 1));
    }
    previous = current;
  }
  return previous[right.length] ?? 0;
}

// The distance of texts takes the product of their lengths, and no name of a module is as long.
const longestRule = 500;

// A rule names the end of a path, so only as many segments as it has are compared.
function distance(rule: string, path: string): number {
  const end = path.split('.').slice(-rule.split('.').length).join('.');
  return Math.min(editDistance(rule, end), editDistance(rule, path));
}

/**
 * Up to `count` paths nearest to a rule and not much farther than the nearest, which comes first; at most one of those
 * that differ in numbers only.
 */
export function nearestPaths(rule: string, paths: readonly string[], count = 3): readonly string[] {
  const ranked = paths
    .map((path) => ({ path, distance: distance(rule.slice(0, longestRule), path) }))
    .sort((left, right) => left.distance - right.distance || (left.path < right.path ? -1 : 1));
  const shapes = new Set<string>();
  const limit = (ranked[0]?.distance ?? 0) + 1;
  const nearest = ranked.filter(({ path, distance }) => {
    if (distance > limit) return false;
    const shape = path.replace(/\d+/g, '#');
    return !shapes.has(shape) && shapes.add(shape);
  });
  return nearest.slice(0, count).map(({ path }) => path);
}

/** The rule nearest to a path, or undefined when there is no rule. */
export function nearestRule(path: string, rules: readonly string[]): string | undefined {
  const [first] = rules
    .map((rule) => ({ rule, distance: distance(rule.slice(0, longestRule), path) }))
    .sort((left, right) => left.distance - right.distance || (left.rule < right.rule ? -1 : 1));
  return first?.rule;
}
