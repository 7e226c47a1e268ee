import { PeftError, type Seed } from '@peft/ops';
import type { FinishedLink } from '../finishedLink.ts';
import type { DataPosition } from './batchReader.ts';
import type { Evaluation } from './evaluate.ts';
import type { HostSnapshot } from './hostSnapshot.ts';

/** The format of a training state; a newer one is refused. */
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

/** Refuses a state that this run would not continue exactly, with every difference. */
export function checkResume(
  state: TrainingState,
  run: Pick<TrainingState, 'strategy' | 'fingerprint' | 'seed' | 'totalSteps' | 'targets'>,
): void {
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
  if (differences.length === 0) return;
  throw new PeftError(
    'resume/mismatch',
    `the training state of step ${state.step} belongs to another run: ${differences.join('; ')}. Resume with the settings of the save, or start anew without it.`,
  );
}
