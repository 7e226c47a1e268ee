/** Mean of at least one value. */
export function mean(values: readonly number[]): number {
  return values.reduce((sum, value) => sum + value, 0) / values.length;
}

/** Standard deviation of a sample (n - 1); 0 for one value. */
export function standardDeviation(values: readonly number[]): number {
  if (values.length < 2) return 0;
  const centre = mean(values);
  return Math.sqrt(values.reduce((sum, value) => sum + (value - centre) ** 2, 0) / (values.length - 1));
}

/** The middle value, or the mean of the middle two. */
export function median(values: readonly number[]): number {
  const sorted = values.toSorted((left, right) => left - right);
  const low = sorted[Math.floor((sorted.length - 1) / 2)] as number;
  const high = sorted[Math.ceil((sorted.length - 1) / 2)] as number;
  return (low + high) / 2;
}

export type PairedDifference = {
  readonly mean: number;
  readonly standardError: number;
  /** Pairs in which the first is larger. */
  readonly wins: number;
  readonly pairs: number;
};

/** First minus second, pair by pair. */
export function pairedDifference(first: readonly number[], second: readonly number[]): PairedDifference {
  const differences = first.map((value, index) => value - (second[index] as number));
  return {
    mean: mean(differences),
    standardError: standardDeviation(differences) / Math.sqrt(differences.length),
    wins: differences.filter((difference) => difference > 0).length,
    pairs: differences.length,
  };
}
