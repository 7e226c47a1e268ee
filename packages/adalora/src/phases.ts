import { PeftError } from '@peft/core';
import type { Span } from '@peft/schedulers';
import type { AdaLoraSettings } from './adaloraOptions.ts';

/** The parts of a life: steps up to `warmupSteps` keep every rank, `lastPruning` is the step that fixes the ranks. */
export type Phases = { readonly warmupSteps: number; readonly finalSteps: number; readonly lastPruning: number };

/**
 * The phases of a life of `totalSteps`. Left open, the warm-up takes a tenth and the final phase half of the rest, the
 * middle of what the paper's GLUE runs use. Throws `adalora/span` where no step is left for the budget to fall.
 */
export function phasesOf(
  { warmupSteps, finalSteps }: Pick<AdaLoraSettings, 'warmupSteps' | 'finalSteps'>,
  totalSteps: number,
): Phases {
  const given = finalSteps === undefined ? undefined : spanSteps(finalSteps, totalSteps);
  const spare = totalSteps - (given ?? 0);
  const warmup =
    warmupSteps === undefined
      ? Math.max(0, Math.floor(Math.min(totalSteps / 10, spare / 5)))
      : spanSteps(warmupSteps, totalSteps);
  const final = given ?? Math.max(0, Math.floor((totalSteps - warmup) / 2));
  if (warmup + final >= totalSteps) {
    throw new PeftError(
      'adalora/span',
      `adalora: warmupSteps ${warmup} and finalSteps ${final} leave no step of a life of ${totalSteps} for the budget to fall; shorten them or train longer.`,
    );
  }
  return { warmupSteps: warmup, finalSteps: final, lastPruning: totalSteps - final };
}

function spanSteps(span: Span, totalSteps: number): number {
  return typeof span === 'number' ? span : Math.floor(span.fraction * totalSteps);
}
