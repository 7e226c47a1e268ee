import { PeftError, type Seed } from '@peft/ops';
import type { FinishedLink } from '../finishedLink.ts';
import type { DataPosition } from './batchReader.ts';
import type { Evaluation } from './evaluate.ts';
import type { HostSnapshot } from './hostSnapshot.ts';
import type { RunSettings } from './runSettings.ts';
import { trainingStateProblems } from './trainingStateProblems.ts';

/** The format of a training state, raised when an older reader would misread it; a newer one is refused. */
export const trainingStateVersion = 1;

/** A whole run at rest between two optimizer steps, on the host. */
export type TrainingState = {
  readonly version: number;
  readonly strategy: string;
  /** Of the untouched base. */
  readonly fingerprint: string;
  readonly seed: Seed;
  readonly step: number;
  readonly totalSteps: number;
  readonly position: DataPosition;
  readonly targets: readonly string[];
  /** `adapter/...`, `trained/...`, `strategy/...` and `slots/...` by leaf path. */
  readonly tensors: HostSnapshot;
  /** The step at which each leaf's moments began. */
  readonly starts: Readonly<Record<string, number>>;
  readonly finished: readonly FinishedLink[];
  readonly best?: BestState | undefined;
  /** Of the last evaluation, where there was one. */
  readonly evaluation?: Evaluation | undefined;
  /** The options of the run, as far as plain values say them; without them, as in older saves, they are not compared. */
  readonly settings?: RunSettings | undefined;
  /** adapter_config.json of the adapter that the run began from, as JSON. */
  readonly fileConfig?: string | undefined;
};

/** The best evaluated state so far and how long ago it was. */
export type BestState = {
  readonly step: number;
  readonly value: number;
  readonly evaluation?: Evaluation | undefined;
  /** Evaluations since that did not improve on it. */
  readonly stale: number;
  /** `adapter/...`, `trained/...`, `strategy/...`; absent when the best state is not kept. */
  readonly tensors?: HostSnapshot | undefined;
  readonly finishedCount: number;
};

/** Where training states are kept. */
export interface TrainingStore {
  save(state: TrainingState): Promise<void>;
  /** The newest state, or undefined where there is none. */
  load(): Promise<TrainingState | undefined>;
}

/** What a state says of the run it belongs to. */
export type RunIdentity = Required<
  Pick<TrainingState, 'strategy' | 'fingerprint' | 'seed' | 'totalSteps' | 'targets' | 'settings'>
>;

/** Other settings than these may change while a run goes on: its numbers change then, its meaning does not. */
const fixed = /^(?:strategy|loss|data|trainableTokens)\.|^(?:trained|accumulate|optimizer\.name)$/;
const longestValue = 200;

/** Refuses what is no training state, for callers without types. Throws `resume/state` with all that is wrong. */
export function requireTrainingState(state: unknown): void {
  // Of a newer format nothing is known but its number, which `checkResume` refuses.
  if (isNewer(state)) return;
  if (state instanceof Promise) {
    throw new PeftError('resume/state', 'fineTune: resume is a promise; pass await store.load() or await run.state().');
  }
  const problems = trainingStateProblems(state);
  if (problems.length === 0) return;
  throw new PeftError(
    'resume/state',
    `fineTune: resume is no training state; pass what store.load() or run.state() gave:${problems.map((problem) => `\n- ${problem}.`).join('')}`,
  );
}

/**
 * Refuses a state that this run would not continue exactly, with every difference; returns what differs and may, such
 * as the learning rate. Throws `resume/version` and `resume/mismatch`.
 */
export function checkResume(state: TrainingState, run: RunIdentity): readonly string[] {
  if (state.version > trainingStateVersion) {
    throw new PeftError(
      'resume/version',
      `the training state has format ${state.version}, newer than ${trainingStateVersion}, the newest this version reads; upgrade @peft/core.`,
    );
  }
  const differences = (['strategy', 'fingerprint', 'seed', 'totalSteps'] as const)
    .filter((key) => state[key] !== run[key])
    .map((key) => `${key} was ${state[key]}, now ${run[key]}`);
  if (state.targets.join('\n') !== run.targets.join('\n')) {
    differences.push(`targets were ${state.targets.join(', ')}, now ${run.targets.join(', ')}`);
  }
  const changed = changedSettings(state.settings, run.settings);
  differences.push(...changed.filter(([key]) => fixed.test(key)).map(([, said]) => said));
  if (differences.length === 0) return warningsOf(state, changed);
  throw new PeftError(
    'resume/mismatch',
    `the training state of step ${state.step} belongs to another run: ${differences.join('; ')}. Resume with the settings of the save, or start anew without it.`,
  );
}

function isNewer(state: unknown): boolean {
  const version = typeof state === 'object' && state !== null && 'version' in state ? state.version : undefined;
  return typeof version === 'number' && version > trainingStateVersion;
}

function changedSettings(saved: RunSettings | undefined, now: RunSettings | undefined) {
  if (!saved || !now) return [];
  const keys = [...new Set([...Object.keys(saved), ...Object.keys(now)])].sort((left, right) =>
    inOrder(left) < inOrder(right) ? -1 : 1,
  );
  return keys
    .filter((key) => !Object.is(saved[key], now[key]))
    .map((key) => [key, `${key} was ${shown(saved[key])}, now ${shown(now[key])}`] as const);
}

/** A key as it sorts: step 2 before step 10. */
function inOrder(key: string): string {
  return key.replaceAll(/\d+/g, (digits) => digits.padStart(16, '0'));
}

function warningsOf({ step }: TrainingState, changed: readonly (readonly [key: string, said: string])[]) {
  if (changed.length === 0) return [];
  const said = changed.map(([, difference]) => difference).join('; ');
  return [
    `the run goes on from step ${step} with other settings than it was saved with, so it will not end as it would have: ${said}.`,
  ];
}

function shown(value: string | number | boolean | undefined): string {
  const text = value === undefined ? 'not set' : String(value);
  return text.length > longestValue ? `${text.slice(0, longestValue)}...` : text;
}
