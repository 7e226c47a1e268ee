import { isPeftError, PeftError } from '@peft/ops';

/**
 * What a part of a resumed run gives. A failure that says nothing of itself is told as what it most likely is, a state
 * that is not one of this run: throws `resume/state`.
 */
export async function blameState<T>(resumedAt: number, step: number, work: () => Promise<T>): Promise<T> {
  try {
    return await work();
  } catch (cause) {
    if (isPeftError(cause) && !cause.code.startsWith('internal/')) throw cause;
    const reason = cause instanceof Error ? cause.message.slice(0, 500) : String(cause);
    const place = step === resumedAt ? 'the run cannot go on from' : `the run failed after step ${step}, resumed from`;
    throw new PeftError(
      'resume/state',
      `${place} the training state of step ${resumedAt} (${reason}); if a run without it gets further, it was changed after it was saved: resume from another save.`,
      { cause },
    );
  }
}
