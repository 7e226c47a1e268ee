/** norm(found - expected) / norm(expected) of two equally long lists. */
export function relativeDistance(found: ArrayLike<number>, expected: ArrayLike<number>): number {
  if (found.length !== expected.length) return Number.POSITIVE_INFINITY;
  let difference = 0;
  let size = 0;
  for (let index = 0; index < expected.length; index++) {
    const value = expected[index] as number;
    difference += ((found[index] as number) - value) ** 2;
    size += value ** 2;
  }
  return Math.sqrt(difference) / (Math.sqrt(size) || 1);
}
