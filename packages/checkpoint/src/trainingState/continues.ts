import { isPeftError, type TrainingState } from '@peft/core';
import { openFolder } from '../openFolder.ts';
import { readSavedState } from './stateFiles.ts';

/** Whether a state may follow a save, as of the same run and no earlier step. A save that cannot be read is another's. */
export async function continues(save: string, state: TrainingState): Promise<boolean> {
  try {
    const saved = await readSavedState(openFolder(save));
    const isSame = (['strategy', 'fingerprint', 'seed', 'totalSteps'] as const).every(
      (key) => saved[key] === state[key],
    );
    return isSame && typeof saved.step === 'number' && saved.step <= state.step;
  } catch (error) {
    if (isPeftError(error)) return false;
    throw error;
  }
}
