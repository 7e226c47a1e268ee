import type { Effect, Target } from '@peft/core';
import type { Tensor } from '@tensorflow/tfjs';

/** A `weightOf` that already includes these merges, in order. */
export function weightAfter(effects: readonly Effect[], weightOf: (target: Target) => Tensor) {
  return (target: Target): Tensor =>
    effects.reduce((weight, effect) => {
      const isMerged = effect.kind === 'merge' && effect.targets.some(({ path }) => path === target.path);
      return isMerged ? effect.strategy.merge(effect.adapter, target, weight) : weight;
    }, weightOf(target));
}
