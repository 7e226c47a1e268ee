import type { ClaimCall } from './claim.ts';

/** Runs a function for every seed, one after another, and reports progress. */
export async function overSeeds<T>(
  { seeds, progress }: ClaimCall,
  what: string,
  run: (seed: number) => Promise<T>,
): Promise<readonly T[]> {
  const results: T[] = [];
  for (let seed = 1; seed <= seeds; seed++) {
    const began = performance.now();
    results.push(await run(seed));
    progress(`${what}, seed ${seed} of ${seeds}: ${((performance.now() - began) / 1000).toFixed(1)} s`);
  }
  return results;
}
