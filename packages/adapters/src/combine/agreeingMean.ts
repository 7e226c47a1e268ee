import type { Election } from './combineOptions.ts';
import type { WeightedDelta } from './summedDeltas.ts';

/** What is left of a sum that is 0 but for rounding, relative to its terms. */
const rounding = 2 ** -45;

/**
 * Of each entry the mean over the weighted changes that have the elected sign (TIES, steps 2 and 3). The sign is that of
 * their sum (`total`) or of most of them (`frequency`, and of the sum where it is a draw); where that is 0 too, the entry
 * is 0. A change that is 0 there, or whose weight is, has no vote and does not count.
 */
export function agreeingMean(deltas: readonly WeightedDelta[], election: Election): Float64Array {
  const size = deltas[0]?.values.length ?? 0;
  const result = new Float64Array(size);
  for (let at = 0; at < size; at++) {
    let [positive, negative, positives, negatives] = [0, 0, 0, 0];
    for (const { values, weight } of deltas) {
      const value = weight * (values[at] as number);
      if (value > 0) {
        positive += value;
        positives++;
      } else if (value < 0) {
        negative += value;
        negatives++;
      }
    }
    const rest = positive + negative;
    const sum = Math.abs(rest) > rounding * (positive - negative) ? rest : 0;
    const sign = election === 'total' ? sum : positives - negatives || sum;
    if (sign > 0) result[at] = positive / positives;
    if (sign < 0) result[at] = negative / negatives;
  }
  return result;
}
