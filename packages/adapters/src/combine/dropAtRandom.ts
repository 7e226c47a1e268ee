import type { Seed } from '@peft/core';
import { uniforms } from '@peft/ops';

/**
 * Each value kept with probability `density` and then divided by it, else 0, so that the mean over seeds is the value
 * (DARE, Yu et al. 2023, arXiv 2311.03099).
 */
export function dropAtRandom(values: Float64Array, density: number, seed: Seed): Float64Array {
  const draws = uniforms(seed, values.length);
  return values.map((value, at) => ((draws[at] as number) < density ? value / density : 0));
}
