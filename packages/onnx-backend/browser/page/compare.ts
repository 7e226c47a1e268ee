/** The largest norm(actual - expected) / norm(expected) of the values by name. */
export function largestDifference(
  actual: ReadonlyMap<string, ArrayLike<number>>,
  expected: ReadonlyMap<string, ArrayLike<number>>,
): number {
  const names = [...expected.keys()];
  if (`${[...actual.keys()]}` !== `${names}`) throw new Error(`found ${[...actual.keys()]} instead of ${names}`);
  return Math.max(...names.map((name) => difference(actual.get(name) ?? [], expected.get(name) ?? [])));
}

/** norm(actual - expected) / norm(expected); NaN where a value is none. */
export function difference(actual: ArrayLike<number>, expected: ArrayLike<number>): number {
  if (actual.length !== expected.length) throw new Error(`${actual.length} values instead of ${expected.length}`);
  let [squares, norm] = [0, 0];
  for (let index = 0; index < expected.length; index++) {
    const wanted = expected[index] as number;
    squares += ((actual[index] as number) - wanted) ** 2;
    norm += wanted ** 2;
  }
  return Math.sqrt(squares) / (Math.sqrt(norm) || 1);
}

/** Throws where values differ by more than rounding, also where one is no number. */
export function requireWithin(found: number, limit: number): string {
  if (!(found <= limit)) throw new Error(`relative difference ${found}, over ${limit}`);
  return `relative difference ${found.toExponential(1)}`;
}
