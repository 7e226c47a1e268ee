import { PeftError } from '@peft/ops';
import type { TrainEvent } from './events.ts';
import type { TrainingState, TrainingStore } from './trainingState.ts';

export type Checkpoints = {
  readonly store: TrainingStore;
  /** Optimizer steps from one save to the next. */
  readonly every: number;
  /**
   * What a save that fails does to the run: nothing but a warning and a `save-failed` event (`'continue'`, the default,
   * since hours of training are worth more than a save), or its end (`'stop'`), with `run.state()` to resume from.
   */
  readonly onFailure?: 'continue' | 'stop';
};

/** Saves a state and tells of it. Where a failure is to stop the run it is thrown, as `run/save`; else it is warned of. */
export async function saveState(
  state: TrainingState,
  { store, every, onFailure = 'continue' }: Checkpoints,
  warn: (warning: string) => void,
): Promise<TrainEvent> {
  const { step, totalSteps } = state;
  try {
    await store.save(state);
    return { type: 'save', step };
  } catch (error) {
    const failed = `the training state of step ${step} could not be saved: ${reasonOf(error)}`;
    if (onFailure === 'stop') {
      throw new PeftError(
        'run/save',
        `${failed} Nothing is lost: run.state() still holds it; make room and resume from it.`,
        { cause: error },
      );
    }
    const next = Math.min(totalSteps, (Math.floor(step / every) + 1) * every);
    warn(
      step < totalSteps
        ? `${failed} The run goes on and saves again at step ${next}; run.state() gives the state at any time.`
        : `${failed} The run is complete all the same: its result and run.state() hold everything.`,
    );
    return { type: 'save-failed', step, error };
  }
}

function reasonOf(error: unknown): string {
  const reason = error instanceof Error ? error.message : String(error);
  return /[.!?]$/.test(reason) ? reason : `${reason}.`;
}
