import { type Clock, PeftError } from '@peft/core';
import { cubicBudget } from '@peft/schedulers';
import type { AdaLoraSettings } from './adaloraOptions.ts';
import { type AdaLoraState, isSearching } from './adaloraState.ts';
import { phasesOf } from './phases.ts';

/**
 * The host numbers of a step: the budget, whether to prune (0 or 1), and the rates of the averages. The budget is
 * computed in float64; in float32 it would be off by one now and then.
 */
export function stepInputs(
  settings: AdaLoraSettings,
  state: AdaLoraState,
  clock: Clock,
): Readonly<Record<string, number>> {
  requireNextStep(state, clock);
  if (!isSearching(state)) return {};
  const { warmupSteps, finalSteps, lastPruning } = phasesOf(settings, clock.totalSteps);
  const { step } = clock;
  const isLast = step === lastPruning;
  const isDue = isLast || (step > warmupSteps && step % settings.allocateEvery === 0);
  const isScored = !isLast || settings.isLastStepScored;
  const { initialBudget, targetBudget } = budgetsOf(settings, Object.keys(state.mask).length);
  const budget = cubicBudget({ initialBudget, targetBudget, warmupSteps, finalSteps });
  return {
    budget: budget(step, clock.totalSteps),
    prune: isDue ? 1 : 0,
    sensitivityRate: isScored ? 1 - settings.beta1 : 0,
    uncertaintyRate: isScored ? 1 - settings.beta2 : 0,
  };
}

/** Live triplets of all targets together at the start and at the end. */
export function budgetsOf(
  { initRank, targetRank, targetBudget }: AdaLoraSettings,
  targetCount: number,
): { readonly initialBudget: number; readonly targetBudget: number } {
  const initialBudget = initRank * targetCount;
  if (targetBudget !== undefined && targetBudget > initialBudget) {
    throw new PeftError(
      'adalora/budget',
      `adalora: targetBudget ${targetBudget} is larger than the ${initialBudget} ranks that ${targetCount} targets of initRank ${initRank} have; lower targetBudget or raise initRank.`,
    );
  }
  return { initialBudget, targetBudget: targetBudget ?? targetRank * targetCount };
}

/** Refuses a step that was skipped or repeated: scores and budget would silently belong to different steps. */
export function requireNextStep(state: AdaLoraState, clock: Clock): void {
  if (clock.step !== state.step + 1) {
    throw new PeftError(
      'adalora/step',
      `adalora: this is step ${clock.step}, but ${state.step} steps are completed, so step ${state.step + 1} is next; run every step once and in order, and resume from the state saved after the last one.`,
    );
  }
  if (clock.totalSteps !== state.totalSteps) {
    throw new PeftError(
      'adalora/step',
      `adalora: the life has ${clock.totalSteps} steps now, but had ${state.totalSteps} when it began, and the budget depends on it; continue with the length it began with.`,
    );
  }
}
