import { resolvePattern, type Target } from '@peft/core';
import type { LoraOptions } from './loraOptions.ts';

export type TargetSize = { readonly rank: number; readonly scaling: number };

/** Rank and scaling of every target, worked out once each from options, patterns and path. */
export function targetSizes(options: Required<LoraOptions>): (target: Target) => TargetSize {
  const known = new Map<string, TargetSize>();
  return ({ path }) => {
    const size = known.get(path) ?? sizeAt(path, options);
    known.set(path, size);
    return size;
  };
}

function sizeAt(path: string, { rank, alpha, rsLora, rankPattern, alphaPattern }: Required<LoraOptions>): TargetSize {
  const ownRank = resolvePattern(rankPattern, path, rank);
  const ownAlpha = resolvePattern(alphaPattern, path, alpha);
  return { rank: ownRank, scaling: ownAlpha / (rsLora ? Math.sqrt(ownRank) : ownRank) };
}
