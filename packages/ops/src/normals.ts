import { stream } from './bits.ts';
import { checkCount } from './checkCount.ts';
import { checkSeed, type Seed } from './fold.ts';

/** Stream of `normals` under a seed: the second key of `bits`. */
const NORMALS = 2;

/**
 * `count` draws from the standard normal distribution (Box and Muller, in float64, then rounded).
 *
 * A longer draw begins with the shorter one. Host only: platforms may differ in the last bit of a logarithm or cosine.
 * @throws PeftError `seed/invalid`, `seed/count-invalid`
 */
export function normals(seed: Seed, count: number): Float32Array {
  checkSeed(seed);
  checkCount(count);
  const next = stream(seed, NORMALS);
  const values = new Float32Array(count);
  for (let index = 0; index < count; index += 2) {
    const radius = Math.sqrt(-2 * Math.log((next(index) + 0.5) / 0x100000000));
    const angle = (2 * Math.PI * next(index + 1)) / 0x100000000;
    values[index] = radius * Math.cos(angle);
    if (index + 1 < count) values[index + 1] = radius * Math.sin(angle);
  }
  return values;
}
