import type { AnyModel, Target } from '@peft/core';
import type { PlacedChange } from './combinedDelta.ts';
import type { CombineProgress } from './combineOptions.ts';
import { type Source, sourceChange } from './sourceChange.ts';

type Visit = {
  /** Weights that are no target any more, since they are trained whole. */
  readonly except: (path: string) => boolean;
  readonly onProgress: ((progress: CombineProgress) => void) | undefined;
  visit(target: Target, changes: readonly PlacedChange[]): Promise<void> | void;
};

/**
 * Visits every target that any of the adapters has, in the model's order, with the changes of those whose weight is not
 * 0; the event loop turns in between.
 */
export async function eachTarget(
  { targets, weights }: AnyModel,
  sources: readonly Source[],
  { except, onProgress, visit }: Visit,
): Promise<void> {
  const adapted = new Set(sources.flatMap(({ adapter }) => adapter.targets.map(({ path }) => path)));
  const due = targets.filter(({ path }) => adapted.has(path) && !except(`${path}.weight`));
  for (const [index, target] of due.entries()) {
    const changes: PlacedChange[] = [];
    for (const [position, source] of sources.entries()) {
      const change = source.weight === 0 ? undefined : await sourceChange(source, target, weights);
      if (change) changes.push({ change, position });
    }
    await visit(target, changes);
    onProgress?.({ target: target.path, done: index + 1, total: due.length });
    await new Promise<void>((resolve) => setTimeout(resolve, 0));
  }
}
