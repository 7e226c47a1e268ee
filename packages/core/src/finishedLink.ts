import { PeftError } from '@peft/ops';
import { type Effect, partOf } from './effect.ts';
import type { Engine } from './engine.ts';
import { mergeInto } from './mergeInto.ts';
import type { AnyAdapter, AnyStrategy } from './strategy.ts';
import type { Target } from './target.ts';
import { type HostSnapshot, readSnapshot, uploadSnapshot } from './training/hostSnapshot.ts';
import { disposeUnless, type Tree } from './tree.ts';
import type { Weights } from './weights.ts';

/** An adapter that was merged during a run, kept on the host so that the chain can be unwound, saved and exported. */
export type FinishedLink = {
  /** From the run's strategy to the part that trained it. */
  readonly source: string;
  readonly targets: readonly string[];
  readonly params: HostSnapshot;
  readonly state: HostSnapshot;
};

type Merge = Extract<Effect, { kind: 'merge' }>;

/** Reads the adapter of a merge to the host. */
export async function finishLink(effect: Merge): Promise<FinishedLink> {
  return {
    source: effect.source,
    targets: effect.targets.map(({ path }) => path),
    params: await readSnapshot(effect.adapter.params),
    state: await readSnapshot(effect.adapter.state),
  };
}

/** A finished link's adapter as tensors, which the caller owns. */
export function uploadLink({ params, state }: FinishedLink): AnyAdapter {
  return { params: uploadSnapshot(params) as Tree, state: uploadSnapshot(state) };
}

/** Replays finished links in order on a fork of the base they were trained on. */
export async function replayLinks(
  weights: Weights,
  links: readonly FinishedLink[],
  {
    root,
    targets,
    engine,
  }: { readonly root: AnyStrategy; readonly targets: readonly Target[]; readonly engine?: Engine | undefined },
): Promise<void> {
  const byPath = new Map(targets.map((target) => [target.path, target]));
  for (const link of links) {
    const linkTargets = link.targets.map((path) => {
      const target = byPath.get(path);
      if (target) return target;
      throw new PeftError(
        'resume/target',
        `a finished link adapted "${path}", which is not among this run's targets; resume with the targets of the save.`,
      );
    });
    const adapter = uploadLink(link);
    try {
      await mergeInto(weights, { strategy: partOf(root, link.source), adapter, targets: linkTargets }, engine);
    } finally {
      disposeUnless({ ...adapter }, {});
    }
  }
}
