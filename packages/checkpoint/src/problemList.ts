const longestName = 120;

/**
 * One line per problem, the first `shown` of them; a hostile file cannot make a message as large as itself. `count` is
 * how many there are, where not all of them are given.
 */
export function problemList(
  problems: readonly string[],
  { shown = 10, count = problems.length }: { readonly shown?: number; readonly count?: number } = {},
): string {
  const lines = problems.slice(0, shown).map((problem) => `\n  ${problem}`);
  const rest = count - shown;
  return lines.join('') + (rest > 0 ? `\n  and ${rest} more` : '');
}

/** A name from a file as it may stand in a message: quoted, escaped, cut. */
export function quoted(name: string): string {
  return name.length > longestName
    ? `${JSON.stringify(name.slice(0, longestName))} (first ${longestName} of ${name.length} characters)`
    : JSON.stringify(name);
}
