import { PeftError } from '@peft/ops';
import * as tf from '@tensorflow/tfjs';
import { type Effect, partOf } from './effect.ts';
import type { AnyAdapter, AnyStrategy } from './strategy.ts';
import type { Target } from './target.ts';
import { type HostSnapshot, readSnapshot, uploadSnapshot } from './training/hostSnapshot.ts';
import type { Tree } from './tree.ts';
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

/** Runs a function on a finished link's adapter, uploaded for its duration. */
export function withLink<T extends tf.TensorContainer>(
  link: FinishedLink,
  root: AnyStrategy,
  use: (strategy: AnyStrategy, adapter: AnyAdapter) => T,
): T {
  return tf.tidy(() =>
    use(partOf(root, link.source), { params: uploadSnapshot(link.params) as Tree, state: uploadSnapshot(link.state) }),
  );
}

/** Writes merged weights to a fork, one target at a time. */
export async function mergeInto(
  weights: Weights,
  targets: readonly Target[],
  merge: (target: Target, weight: tf.Tensor) => tf.Tensor,
) {
  for (const target of targets) {
    const path = `${target.path}.weight`;
    const merged = tf.tidy(() => merge(target, weights.tensor(path)));
    try {
      if (merged.shape.join() !== target.shape.join()) {
        throw new PeftError(
          'strategy/merge-shape',
          `merging into "${target.path}" gave shape [${merged.shape}], but the weight has [${target.shape}]; merge must return the whole new weight.`,
        );
      }
      await weights.write(path, merged);
    } finally {
      merged.dispose();
    }
  }
}

/** Replays finished links in order on a fork of the base they were trained on. */
export async function replayLinks(
  weights: Weights,
  links: readonly FinishedLink[],
  { root, targets }: { readonly root: AnyStrategy; readonly targets: readonly Target[] },
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
    await mergeInto(weights, linkTargets, (target, weight) =>
      withLink(link, root, (strategy, adapter) => strategy.merge(adapter, target, weight)),
    );
  }
}
