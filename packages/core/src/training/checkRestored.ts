import { PeftError } from '@peft/ops';
import * as tf from '@tensorflow/tfjs';
import type { Optimizer } from '../optimizers/optimizer.ts';
import { leavesOf } from '../tree.ts';
import type { Weights } from '../weights.ts';
import { groupSlots } from './applyGradients.ts';
import { paramsOf, type StepState } from './stepPlan.ts';

export type RestoredRun = {
  /** The step at which each leaf's moments began. */
  readonly starts: ReadonlyMap<string, number>;
  readonly step: number;
  /** Full paths of the parameters trained whole. */
  readonly trained: readonly string[];
  readonly weights: Weights;
  readonly optimizer: Optimizer;
};

/** Refuses a restored state whose parts do not fit each other or the run. Throws `resume/state` with all of them. */
export function checkRestored(state: Omit<StepState, 'sums'>, run: RestoredRun): void {
  const problems = [...trainedProblems(state.trained, run), ...slotProblems(state, run)];
  if (problems.length === 0) return;
  throw new PeftError(
    'resume/state',
    `the training state of step ${run.step} is not whole or belongs to another run; resume from another save:${problems.map((problem) => `\n- ${problem}.`).join('')}`,
  );
}

function trainedProblems(trained: StepState['trained'], { trained: paths, weights }: RestoredRun): readonly string[] {
  const problems = paths.flatMap((path) => {
    const { shape } = weights.get(path);
    const found = trained[path]?.shape;
    if (!found) return [`trained/${path} [${shape}] is missing`];
    return `${found}` === `${shape}` ? [] : [`trained/${path} is [${found}], here [${shape}]`];
  });
  const more = Object.keys(trained).filter((path) => !paths.includes(path));
  return [...problems, ...more.map((path) => `trained/${path} is not trained here`)];
}

function slotProblems(state: Omit<StepState, 'sums'>, { starts, step, optimizer }: RestoredRun): readonly string[] {
  const slots = groupSlots(state.slots);
  const leaves = new Map(leavesOf(paramsOf(state)));
  const problems = [...leaves].flatMap(([leaf, param]) => {
    const start = starts.get(leaf);
    const said = start === undefined ? 'the moments of an unknown step' : `moments that began at step ${start}`;
    const wrong = start === undefined || start > step ? [`${leaf} has ${said}`] : [];
    const fresh = tf.tidy(() => Object.entries(optimizer.init(param)).map(([name, { shape }]) => ({ name, shape })));
    const missing = fresh.filter(({ name, shape }) => `${slots.get(leaf)?.[name]?.shape}` !== `${shape}`);
    return [...wrong, ...missing.map(({ name, shape }) => `${leaf} has no "${name}" [${shape}] of ${optimizer.name}`)];
  });
  const more = [...new Set([...starts.keys(), ...slots.keys()])].filter((leaf) => !leaves.has(leaf));
  return [...problems, ...more.map((leaf) => `${leaf} has moments and no values`)];
}
