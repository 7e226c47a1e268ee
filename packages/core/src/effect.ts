import { PeftError } from '@peft/ops';
import type { AnyAdapter, AnyStrategy } from './strategy.ts';
import type { Target } from './target.ts';

/**
 * What a strategy asks of its host. Effects name their targets and carry adapters as data.
 * - merge: put the adapter into the run's copy of these weights. `source` leads from the root strategy to `strategy`
 *   (keys of `part`, joined by '/', empty for the root itself), so that a save can name it.
 * - restart: forget moments and step counts of these targets' leaves, or of every leaf.
 * - select: gather the same rows of every optimizer slot of these leaves (compaction).
 */
export type Effect =
  | {
      readonly kind: 'merge';
      readonly targets: readonly Target[];
      readonly adapter: AnyAdapter;
      readonly strategy: AnyStrategy;
      readonly source: string;
    }
  | { readonly kind: 'restart'; readonly targets: readonly Target[] | 'all' }
  | {
      readonly kind: 'select';
      readonly leaves: readonly { readonly path: string; readonly axis: number; readonly indices: readonly number[] }[];
    };

/** The effects of a part as its whole passes them on. */
export function effectsOfPart(effects: readonly Effect[], key: string, leafPrefix = ''): readonly Effect[] {
  return effects.map((effect) => {
    switch (effect.kind) {
      case 'merge':
        return { ...effect, source: effect.source === '' ? key : `${key}/${effect.source}` };
      case 'select':
        return { ...effect, leaves: effect.leaves.map((leaf) => ({ ...leaf, path: leafPrefix + leaf.path })) };
      case 'restart':
        return effect;
      default:
        return effect satisfies never;
    }
  });
}

/** The strategy an effect's source names. */
export function partOf(root: AnyStrategy, source: string): AnyStrategy {
  let strategy = root;
  for (const key of source === '' ? [] : source.split('/')) {
    const part = strategy.part?.(key);
    if (!part) {
      throw new PeftError(
        'strategy/no-part',
        `strategy "${strategy.name}" has no part "${key}", which a saved link was trained by; use the strategy of the save.`,
      );
    }
    strategy = part;
  }
  return strategy;
}
