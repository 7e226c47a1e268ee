/** How many of these rank vectors are the planted one. */
export function sameRanks(found: readonly (readonly number[])[], planted: readonly number[]): number {
  return found.filter((ranks) => ranks.join() === planted.join()).length;
}
