import { PeftError } from '@peft/ops';
import * as tf from '@tensorflow/tfjs';
import type { Optimizer } from '../optimizers/optimizer.ts';
import type { TokenTable } from '../tokenRows.ts';
import { leavesOf, type Snapshot } from '../tree.ts';
import type { Weights } from '../weights.ts';
import { groupSlots } from './applyGradients.ts';
import type { RestState } from './runProgram.ts';
import { paramsOf, type StepState } from './stepPlan.ts';

export type RestoredRun = {
  /** The step at which each leaf's moments began. */
  readonly starts: ReadonlyMap<string, number>;
  readonly step: number;
  /** Full paths of the parameters trained whole. */
  readonly trained: readonly string[];
  readonly tokenTables: Readonly<Record<string, TokenTable>>;
  readonly weights: Weights;
  readonly optimizer: Optimizer;
};

/** Refuses a restored state whose parts do not fit each other or the run. Throws `resume/state` with all of them. */
export function checkRestored(state: RestState, run: RestoredRun): void {
  const problems = [...partProblems(state), ...trainedProblems(state, run), ...slotProblems(state, run)];
  if (problems.length === 0) return;
  throw new PeftError(
    'resume/state',
    `the training state of step ${run.step} is not whole or belongs to another run; resume from another save:${problems.map((problem) => `\n- ${problem}.`).join('')}`,
  );
}

function partProblems({ adapter, trained, tokenRows, strategy, slots, ...more }: RestState): readonly string[] {
  return leavesOf(more as Snapshot).map(([path]) => `${path} is of no part of a run`);
}

function trainedProblems(
  { trained, tokenRows }: Pick<StepState, 'trained' | 'tokenRows'>,
  { trained: paths, tokenTables, weights }: RestoredRun,
): readonly string[] {
  const rowShape = (table: string, ids: readonly number[]) => [
    ids.length,
    ...weights.get(`${table}.weight`).shape.slice(1),
  ];
  const shapes = new Map<string, readonly number[]>([
    ...paths.map((path) => [`trained/${path}`, weights.get(path).shape] as const),
    ...Object.entries(tokenTables).map(([path, { ids }]) => [`tokenRows/${path}`, rowShape(path, ids)] as const),
  ]);
  const leaves = new Map(leavesOf({ trained, tokenRows }));
  const problems = [...shapes].flatMap(([path, shape]) => {
    const found = leaves.get(path)?.shape;
    if (!found) return [`${path} [${shape}] is missing`];
    return `${found}` === `${shape}` ? [] : [`${path} is [${found}], here [${shape}]`];
  });
  const more = [...leaves.keys()].filter((path) => !shapes.has(path));
  return [...problems, ...more.map((path) => `${path} is not trained here`)];
}

function slotProblems(state: RestState, { starts, step, optimizer }: RestoredRun): readonly string[] {
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
