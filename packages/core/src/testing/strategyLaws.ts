import * as tf from '@tensorflow/tfjs';
import { eagerEngine } from '../eagerEngine.ts';
import type { Engine, StepFunction } from '../engine.ts';
import { toFloat32 } from '../hostArray.ts';
import type { AnyStrategy } from '../strategy.ts';
import { mergeAdapter } from '../trainedAdapter.ts';
import type { FineTuneOptions } from '../training/fineTune.ts';
import type { TrainingState } from '../training/trainingState.ts';
import { leavesOf } from '../tree.ts';
import { requireClose, requireSameSnapshot } from './equality.ts';
import { LawRun } from './lawRun.ts';
import { toyModel } from './toyModel.ts';

/** One law of the contract: `check` rejects when the strategy breaks it. Runs on tfjs's active backend. */
export type Law = { readonly name: string; readonly check: () => Promise<void> };

export type LawOptions = {
  /** `rounding` for initialisations that are the identity only to 1e-6. */
  readonly identity?: 'exact' | 'rounding';
  /** Options of the toy run, such as more steps or other targets. */
  readonly run?: Partial<FineTuneOptions>;
  /** Largest relative difference between a forward pass and the same with merged weights. */
  readonly mergeTolerance?: number;
};

/**
 * The contract every strategy keeps, as checks for any test runner:
 * `for (const law of strategyLaws(() => myStrategy())) it(law.name, law.check)`.
 * @param make a new strategy; every law makes its own, several of them two
 */
export function strategyLaws(make: () => AnyStrategy, options: LawOptions = {}): readonly Law[] {
  const { identity = 'exact', mergeTolerance = 1e-5, run = {} } = options;
  const start = (more: Partial<FineTuneOptions> = {}, strategy = make()) => new LawRun(strategy, { ...run, ...more });

  return [
    {
      name: 'law 1: a fresh adapter changes nothing',
      check: () =>
        withRun(start(), async (law) => {
          await law.trainer.prepare(() => {});
          requireClose(await law.outputs(), await law.baseOutputs(), {
            what: 'output',
            tolerance: identity === 'exact' ? 0 : 1e-6,
          });
        }),
    },
    {
      name: 'law 2: a fresh adapter can learn',
      check: () =>
        withRun(start(), async (law) => {
          await law.trainer.prepare(() => {});
          const before = await law.trainer.state();
          await law.step();
          const after = await law.trainer.state();
          const moved = Object.keys(before.tensors).some(
            (path) => path.startsWith('adapter/') && !sameBits(before, after, path),
          );
          if (!moved) throw new Error('no parameter moved in the first step');
        }),
    },
    {
      name: 'law 3: forward equals running with merged weights, at every step',
      check: () =>
        withRun(start(), (law) =>
          law.run(async (step) => {
            requireClose(await law.outputs(), await law.mergedOutputs(), {
              what: `step ${step}`,
              tolerance: mergeTolerance,
            });
          }),
        ),
    },
    {
      name: 'laws 4 and 12: a knot and a change of shape are invisible',
      check: async () => {
        const strategy = make();
        let before: Float32Array | undefined;
        const observed: AnyStrategy = {
          ...strategy,
          advance(context, adapter, clock) {
            return (async () => {
              before = await law.outputs(adapter);
              return (await strategy.advance?.(context, adapter, clock)) ?? { ...adapter, effects: [] };
            })();
          },
        };
        const law = start({}, observed);
        await withRun(law, () =>
          law.run(async (step) => {
            if (before) requireClose(await law.outputs(), before, { what: `step ${step}`, tolerance: mergeTolerance });
          }),
        );
      },
    },
    {
      name: 'law 5: same seed, same run, to the bit',
      check: async () => {
        const [first, second] = [await finalState(start()), await finalState(start())];
        requireSameSnapshot(second.tensors, first.tensors, { what: 'second run' });
      },
    },
    {
      name: 'law 6: saved at any step and restored elsewhere, a run continues bit-equal',
      check: async () => {
        const saves: TrainingState[] = [];
        const whole = start();
        await withRun(whole, () =>
          whole.run(async () => void saves.push(structuredClone(await whole.trainer.state()))),
        );
        const last = saves.pop() as TrainingState;
        for (const save of saves) {
          const resumed = await finalState(start({ resume: save }));
          requireSameSnapshot(resumed.tensors, last.tensors, { what: `resumed at step ${save.step}` });
          requireClose([resumed.finished.length], [last.finished.length], {
            what: `finished links after step ${save.step}`,
          });
        }
      },
    },
    {
      name: 'law 7: live tensors are flat over a run and return to where they were',
      check: async () => {
        await finalState(start());
        const before = tf.memory().numTensors;
        const counts = new Map<string, number>();
        const law = start();
        await withRun(law, () =>
          law.run(async (step) => {
            const { weights } = await law.trainer.current();
            const structure = shapesOf(await law.trainer.state());
            const now = tf.memory().numTensors - weights.uploads;
            const expected = counts.get(structure) ?? now;
            counts.set(structure, expected);
            if (now !== expected)
              throw new Error(
                `step ${step}: ${now} live tensors besides weights, ${expected} before with the same structure`,
              );
          }),
        );
        law.model.weights.dispose();
        const after = tf.memory().numTensors;
        if (after > before) throw new Error(`${after - before} tensors are left after the run`);
      },
    },
    {
      name: 'law 8: the loss on a toy task goes down',
      check: () =>
        withRun(start({ steps: 40, ...run }), async (law) => {
          await law.run();
          const mean = (losses: readonly number[]) => losses.reduce((sum, loss) => sum + loss, 0) / losses.length;
          const [first, last] = [mean(law.losses.slice(0, 4)), mean(law.losses.slice(-4))];
          if (!(last < first)) throw new Error(`mean loss ${last} at the end, ${first} at the beginning`);
        }),
    },
    {
      name: 'law 9: dropping the merged copy gives the base back bit for bit, also to a run beside',
      check: async () => {
        const alone = await finalState(start());
        const model = toyModel();
        const untouched = toyModel();
        const [left, right] = [new LawRun(make(), run, model), new LawRun(make(), run, model)];
        await left.trainer.prepare(() => {});
        await right.trainer.prepare(() => {});
        while (!left.trainer.isDone) {
          await left.step();
          await right.step();
        }
        requireSameSnapshot((await right.trainer.state()).tensors, alone.tensors, { what: 'the run beside' });
        await right.trainer.dispose();
        const result = await left.trainer.finish();
        (await mergeAdapter(model, result.adapter)).dispose();
        result.dispose();
        for (const path of model.weights.paths) {
          requireClose(toFloat32(model.weights.get(path)), toFloat32(untouched.weights.get(path)), { what: path });
        }
        model.weights.dispose();
      },
    },
    {
      name: 'update keeps structure, and a step is compiled once per structure',
      check: async () => {
        let compiled = 0;
        const engine = run.engine ?? eagerEngine();
        const counting: Engine = {
          ...engine,
          compile(functions, weights) {
            if ('train' in functions) compiled++;
            return engine.compile(keepingStructure(functions), weights);
          },
        };
        const law = start({ engine: counting });
        const structures = new Set<string>();
        let last = '';
        let changes = 0;
        await withRun(law, async () => {
          await law.run(async () => {
            const structure = shapesOf(await law.trainer.state());
            if (last !== '' && structure !== last) changes++;
            structures.add(structure);
            last = structure;
          });
        });
        const effects = new Set([...law.stepsWith('merge'), ...law.stepsWith('restart'), ...law.stepsWith('select')]);
        const allowed = 1 + changes + effects.size;
        if (compiled > allowed)
          throw new Error(
            `compiled ${compiled} times; ${changes} changes of structure and ${effects.size} steps with effects allow ${allowed}`,
          );
      },
    },
  ];
}

/** Runs a law and frees the run whatever happens. */
export async function withRun(law: LawRun, use: (law: LawRun) => Promise<void>): Promise<void> {
  try {
    await use(law);
  } finally {
    await law.trainer.dispose();
    law.model.weights.dispose();
  }
}

async function finalState(law: LawRun): Promise<TrainingState> {
  let state: TrainingState | undefined;
  await withRun(law, async () => {
    await law.run();
    state = await law.trainer.state();
  });
  return state as TrainingState;
}

function sameBits(before: TrainingState, after: TrainingState, path: string): boolean {
  const [left, right] = [before.tensors[path], after.tensors[path]];
  if (typeof left !== 'object' || typeof right !== 'object') return left === right;
  return left.data.length === right.data.length && left.data.every((value, i) => value === right.data[i]);
}

function shapesOf({ tensors }: TrainingState): string {
  return Object.entries(tensors)
    .map(([path, leaf]) => `${path}:${typeof leaf === 'number' ? 'number' : leaf.shape}`)
    .join(';');
}

/** The functions, each of which fails when it changes the structure of its state. */
function keepingStructure<Name extends string>(functions: Readonly<Record<Name, StepFunction>>) {
  const checked = Object.entries<StepFunction>(functions).map(([name, run]): [string, StepFunction] => [
    name,
    (state, inputs) => {
      const result = run(state, inputs);
      requireSameShapes(state, result.state);
      return result;
    },
  ]);
  return Object.fromEntries(checked) as Record<Name, StepFunction>;
}

function requireSameShapes(before: Parameters<typeof leavesOf>[0], after: Parameters<typeof leavesOf>[0]): void {
  const describe = (snapshot: typeof before) =>
    leavesOf(snapshot)
      .map(([path, leaf]) => `${path}:${typeof leaf === 'number' ? leaf : leaf.shape}`)
      .join(';');
  const [left, right] = [describe(before), describe(after)];
  if (left !== right) throw new Error(`a step changed the structure of its state from ${left} to ${right}`);
}
