import { PeftError } from '@peft/ops';
import { refuseUnknown } from '../refuseUnknown.ts';
import { requireInRange } from '../requireInRange.ts';
import type { Checkpoints } from './saveState.ts';

/** Refuses impossible checkpoint options before a run begins, not at its first save. */
export function checkCheckpoints(checkpoints: Checkpoints): void {
  refuseUnknown('fineTune: checkpoints', checkpoints, ['store', 'every', 'onFailure']);
  const { store, every, onFailure = 'continue' } = checkpoints;
  if (typeof store?.save !== 'function') {
    throw new PeftError(
      'option/conflict',
      'fineTune: checkpoints.store cannot save; pass a store, for example trainingDirectory(path) of @peft/checkpoint.',
    );
  }
  requireInRange('fineTune: checkpoints', { every }, { from: 1, integer: true });
  if (!['continue', 'stop'].includes(onFailure)) {
    throw new PeftError(
      'option/conflict',
      `fineTune: checkpoints.onFailure is ${JSON.stringify(onFailure)}; it must be "continue" or "stop".`,
    );
  }
}
