import { PeftError } from '@peft/ops';
import { eagerEngine } from './eagerEngine.ts';
import type { Engine, StepFunction } from './engine.ts';
import { sizeOf } from './hostArray.ts';
import type { AnyAdapter, AnyStrategy } from './strategy.ts';
import type { Target } from './target.ts';
import type { Snapshot, Tree } from './tree.ts';
import type { Weights } from './weights.ts';

export type Merge = {
  readonly strategy: AnyStrategy;
  readonly adapter: AnyAdapter;
  readonly targets: readonly Target[];
};

/** Weights computed together, so that the merge of a large model needs little beside them. */
const bytesTogether = 256 * 2 ** 20;

/** Writes the targets' merged weights to a fork; the adapter stays the caller's. */
export async function mergeInto(
  weights: Weights,
  { strategy, adapter, targets }: Merge,
  engine: Engine = eagerEngine(),
): Promise<void> {
  const functions = groupsOf(targets).map((group, index) => {
    const merge: StepFunction = (state) => {
      const known = { params: state.params as Tree, state: state.state as Snapshot };
      const merged = group.map((target) => {
        const path = `${target.path}.weight`;
        const weight = strategy.merge(known, target, weights.tensor(path));
        if (weight.shape.join() !== target.shape.join()) throw misshapen(target, weight.shape);
        return [path, weight] as const;
      });
      return { state, metrics: {}, outputs: Object.fromEntries(merged) };
    };
    return [String(index), merge] as const;
  });
  const program = await engine.compile(Object.fromEntries(functions), weights);
  try {
    await program.bind({ params: adapter.params, state: adapter.state });
    for (const [name] of functions) {
      const { outputs } = await program.run(name, {});
      for (const [path, weight] of Object.entries(outputs)) weights.write(path, weight);
    }
  } finally {
    await program.release();
    program.dispose();
  }
}

function groupsOf(targets: readonly Target[]): readonly (readonly Target[])[] {
  const groups: Target[][] = [];
  let bytes = 0;
  for (const target of targets) {
    bytes += 4 * sizeOf(target.shape);
    const last = groups.at(-1);
    if (last && bytes <= bytesTogether) last.push(target);
    else {
      groups.push([target]);
      bytes = 4 * sizeOf(target.shape);
    }
  }
  return groups;
}

function misshapen(target: Target, shape: readonly number[]): PeftError {
  return new PeftError(
    'strategy/merge-shape',
    `merging into "${target.path}" gave shape [${shape}], but the weight has [${target.shape}]; merge must return the whole new weight.`,
  );
}
