import type { Tensor } from '@tensorflow/tfjs';
import type { Effect } from '../effect.ts';
import type { Engine } from '../engine.ts';
import { mergeInto } from '../mergeInto.ts';
import type { Target } from '../target.ts';
import type { Weights } from '../weights.ts';

type Merge = Extract<Effect, { kind: 'merge' }>;

/**
 * A run's weights as they will be after merges that its strategy is about to ask for: what begins from them begins from
 * the very bits that the run then has, whatever its engine rounds.
 */
export class MergesAhead {
  readonly #weights: Weights;
  readonly #engine: Engine;
  readonly #computed: { readonly merges: readonly Merge[]; readonly weights: Weights }[] = [];

  constructor(weights: Weights, engine: Engine) {
    this.#weights = weights;
    this.#engine = engine;
  }

  /** A `weightOf` that includes the merges among these effects, in order; good until `dispose`. */
  async weightAfter(effects: readonly Effect[]): Promise<(target: Target) => Tensor> {
    const merges = mergesOf(effects);
    const weights = this.#weights.fork();
    this.#computed.push({ merges, weights });
    for (const merge of merges) await mergeInto(weights, merge, this.#engine);
    return ({ path }) => weights.tensor(`${path}.weight`);
  }

  /** Carries out the merges among these effects; those computed ahead are taken over. */
  async carryOut(effects: readonly Effect[]): Promise<void> {
    const merges = mergesOf(effects);
    const ahead = this.#computed.find((known) => areSame(known.merges, merges))?.weights;
    if (!ahead) {
      for (const merge of merges) await mergeInto(this.#weights, merge, this.#engine);
      return;
    }
    for (const path of ahead.written) this.#weights.write(path, ahead.get(path));
  }

  dispose(): void {
    for (const { weights } of this.#computed) weights.dispose();
  }
}

function mergesOf(effects: readonly Effect[]): readonly Merge[] {
  return effects.filter((effect) => effect.kind === 'merge');
}

// Parts pass an effect on under another source, its data stay the same.
function areSame(left: readonly Merge[], right: readonly Merge[]): boolean {
  return (
    left.length === right.length &&
    left.every(({ adapter, strategy, targets }, index) => {
      const other = right[index] as Merge;
      return adapter === other.adapter && strategy === other.strategy && targets === other.targets;
    })
  );
}
