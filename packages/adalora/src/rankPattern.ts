import type { AdaLoraState, ByTarget } from './adaloraState.ts';

/** Which of each target's first `initRank` triplets live, read from the state of `adalora`. */
export async function rankPattern(state: AdaLoraState): Promise<ByTarget<readonly boolean[]>> {
  const read = Object.entries(state.mask).map(
    async ([path, mask]) => [path, Array.from(await mask.data(), (value) => value !== 0)] as const,
  );
  return Object.fromEntries(await Promise.all(read));
}
