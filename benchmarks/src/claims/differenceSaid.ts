import { type PairedDifference, pairedDifference } from '../report/summary.ts';

/** Paired difference of two methods' accuracies, in points. */
export function pointsBetween(first: readonly number[], second: readonly number[]): PairedDifference {
  const inPoints = (values: readonly number[]) => values.map((value) => 100 * value);
  return pairedDifference(inPoints(first), inPoints(second));
}

/** `+3.20 ± 0.70 (10 of 10 seeds positive)`; after ± the standard error. */
export function differenceSaid({ mean: difference, standardError, wins, pairs }: PairedDifference): string {
  const sign = difference >= 0 ? '+' : '';
  return `${sign}${difference.toFixed(2)} ± ${standardError.toFixed(2)} (${wins} of ${pairs} seeds positive)`;
}
