import type { AnyModel, BiasMode, HostArray, Target, TrainedAdapter } from '@peft/core';
import { joinedBias } from '../joinedBias.ts';

type Parameters = Readonly<Record<string, HostArray>>;

/** What is trained whole in a combination of adapters, in the terms in which a single one says it. */
export type SavedWhole = {
  readonly modulesToSave: readonly string[];
  readonly bias: BiasMode;
  /** Whether a target must stay though its change is 0, since its bias, trained in mode "adapted", is named by it. */
  needsTarget(target: Target): boolean;
  /** The combined parameters and, in mode "adapted", the base's own biases of those targets whose bias nobody trained. */
  parameters(targets: readonly Target[]): Parameters;
};

export function savedWith(
  { weights }: AnyModel,
  sources: readonly { readonly adapter: TrainedAdapter }[],
  combined: Parameters,
): SavedWhole {
  const modulesToSave = [...new Set(sources.flatMap(({ adapter }) => adapter.modulesToSave))];
  const bias = joinedBias(sources.map(({ adapter }) => adapter));
  const biasOf = ({ path }: Target) => `${path}.bias`;
  return {
    modulesToSave,
    bias,
    needsTarget: (target) => bias === 'adapted' && Object.hasOwn(combined, biasOf(target)),
    parameters(targets) {
      if (bias !== 'adapted') return combined;
      const missing = targets.map(biasOf).filter((path) => weights.has(path) && !Object.hasOwn(combined, path));
      return { ...combined, ...Object.fromEntries(missing.map((path) => [path, weights.get(path)])) };
    },
  };
}
