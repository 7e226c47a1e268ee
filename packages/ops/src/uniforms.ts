import { stream } from './bits.ts';
import { checkCount } from './checkCount.ts';
import { checkSeed, type Seed } from './fold.ts';

/** Stream of `uniforms` under a seed: the second key of `bits`. */
const UNIFORMS = 1;

/**
 * `count` numbers evenly drawn from [0, 1), multiples of 2^-24; a longer draw begins with the shorter one.
 * @throws PeftError `seed/invalid`, `seed/count-invalid`
 */
export function uniforms(seed: Seed, count: number): Float32Array {
  checkSeed(seed);
  checkCount(count);
  const next = stream(seed, UNIFORMS);
  const values = new Float32Array(count);
  for (let index = 0; index < count; index++) values[index] = (next(index) >>> 8) / 0x1000000;
  return values;
}
