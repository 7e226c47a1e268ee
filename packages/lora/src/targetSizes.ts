import { patternResolver, type Target } from '@peft/core';
import type { LoraOptions } from './loraOptions.ts';

export type TargetSize = { readonly rank: number; readonly scaling: number };

/** Rank and scaling of every target, worked out once each from options, patterns and path. */
export function targetSizes(options: Required<LoraOptions>): (target: Target) => TargetSize {
  const known = new Map<string, TargetSize>();
  let sizeAt: ((path: string) => TargetSize) | undefined;
  return ({ path }) => {
    sizeAt ??= sizesBy(options);
    const size = known.get(path) ?? sizeAt(path);
    known.set(path, size);
    return size;
  };
}

function sizesBy({ rank, alpha, rsLora, rankPattern, alphaPattern }: Required<LoraOptions>) {
  const [rankOf, alphaOf] = [patternResolver(rankPattern), patternResolver(alphaPattern)];
  return (path: string): TargetSize => {
    const ownRank = rankOf(path) ?? rank;
    return { rank: ownRank, scaling: (alphaOf(path) ?? alpha) / (rsLora ? Math.sqrt(ownRank) : ownRank) };
  };
}
