import { stream } from './bits.ts';
import { checkCount } from './checkCount.ts';
import { checkSeed, type Seed } from './fold.ts';

/** Stream of `permutation` under a seed: the second key of `bits`. */
const PERMUTATION = 3;

/**
 * The integers 0 to count - 1 in random order (Fisher and Yates).
 * @throws PeftError `seed/invalid`, `seed/count-invalid`
 */
export function permutation(seed: Seed, count: number): Int32Array {
  checkSeed(seed);
  checkCount(count);
  const next = stream(seed, PERMUTATION);
  const order = Int32Array.from({ length: count }, (_, index) => index);
  for (let last = count - 1; last > 0; last--) {
    // 53 bits, so that the bias towards some orders stays below 2^-22 whatever the count.
    const fraction = (next(2 * last) * 0x200000 + (next(2 * last + 1) >>> 11)) / 0x20000000000000;
    const chosen = Math.floor(fraction * (last + 1));
    const kept = order[last] as number;
    order[last] = order[chosen] as number;
    order[chosen] = kept;
  }
  return order;
}
