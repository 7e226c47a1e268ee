export type SearchedRates = { readonly best: number; readonly scores: ReadonlyMap<number, number> };

const mostExtra = 2;

/**
 * Scores every rate, ascending, then further ones beyond an end while the best lies there, at most two. Each lies as far
 * from the end as the end from its neighbour's, in proportion. Of equal scores the lowest rate is best.
 */
export async function widenedSearch(
  rates: readonly number[],
  score: (rate: number) => Promise<number>,
): Promise<SearchedRates> {
  const scores = new Map<number, number>();
  for (const rate of rates) scores.set(rate, await score(rate));
  for (let extra = 0; extra < mostExtra; extra++) {
    const sorted = [...scores.keys()].sort((left, right) => left - right);
    const best = bestOf(scores);
    const neighbour = best === sorted.at(-1) ? sorted.at(-2) : best === sorted[0] ? sorted[1] : undefined;
    if (neighbour === undefined) break;
    const next = Number(((best * best) / neighbour).toPrecision(1));
    scores.set(next, await score(next));
  }
  return { best: bestOf(scores), scores: new Map([...scores].sort(([left], [right]) => left - right)) };
}

function bestOf(scores: ReadonlyMap<number, number>): number {
  const sorted = [...scores].sort(([left], [right]) => left - right);
  return sorted.reduce((best, each) => (each[1] > best[1] ? each : best))[0];
}
