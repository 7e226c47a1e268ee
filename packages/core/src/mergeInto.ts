import { PeftError } from '@peft/ops';
import { eagerEngine } from './eagerEngine.ts';
import type { Engine, StepFunction } from './engine.ts';
import type { AnyAdapter, AnyStrategy } from './strategy.ts';
import type { Target } from './target.ts';
import type { Snapshot, Tree } from './tree.ts';
import type { Weights } from './weights.ts';

export type Merge = {
  readonly strategy: AnyStrategy;
  readonly adapter: AnyAdapter;
  readonly targets: readonly Target[];
};

/** Writes the targets' merged weights to a fork, one target after the other; the adapter stays the caller's. */
export async function mergeInto(
  weights: Weights,
  { strategy, adapter, targets }: Merge,
  engine: Engine = eagerEngine(),
): Promise<void> {
  const functions = targets.map((target) => {
    const merge: StepFunction = (state) => {
      const known = { params: state.params as Tree, state: state.state as Snapshot };
      const merged = strategy.merge(known, target, weights.tensor(`${target.path}.weight`));
      if (merged.shape.join() !== target.shape.join()) throw misshapen(target, merged.shape);
      return { state, metrics: {}, outputs: { merged } };
    };
    return [target.path, merge] as const;
  });
  const program = await engine.compile(Object.fromEntries(functions), weights);
  try {
    await program.bind({ params: adapter.params, state: adapter.state });
    for (const { path } of targets) {
      const { outputs } = await program.run(path, {});
      if (outputs.merged) weights.write(`${path}.weight`, outputs.merged);
    }
  } finally {
    await program.release();
    program.dispose();
  }
}

function misshapen(target: Target, shape: readonly number[]): PeftError {
  return new PeftError(
    'strategy/merge-shape',
    `merging into "${target.path}" gave shape [${shape}], but the weight has [${target.shape}]; merge must return the whole new weight.`,
  );
}
