import { adalora } from '@peft/adalora';
import { cola } from '@peft/cola';
import { type AnyStrategy, adamw, type FineTuneOptions } from '@peft/core';
import { lora } from '@peft/lora';
import type { Assignment } from '../step/assignment.ts';
import type { ContestModel } from './contestModel.ts';

/** The strategy of an assignment; `links` are the lengths of a chain's links, by default two that no measurement ends. */
export function contestStrategy(assignment: Assignment, links?: readonly number[]): AnyStrategy {
  const { method, rank, alpha, dropout, totalSteps } = assignment;
  const plain = () => lora({ rank, alpha, dropout });
  const budgeted = () =>
    adalora({
      initRank: rank,
      targetRank: Math.max(1, Math.floor(rank / 2)),
      alpha,
      dropout,
      warmupSteps: 1,
      finalSteps: 1,
      allocateEvery: 1,
    });
  const steps = links ?? [totalSteps / 2, totalSteps - totalSteps / 2];
  switch (method) {
    case 'lora':
      return plain();
    case 'adalora':
      return budgeted();
    case 'cola':
      return cola(plain(), { steps });
    case 'cola-adalora':
      return cola(budgeted(), { steps });
  }
}

/** Options of the run that is measured: a user's own `fineTune`, as little as the rival does besides its step. */
export function contestRun(assignment: Assignment, { data, loss }: ContestModel, links?: readonly number[]) {
  return {
    strategy: contestStrategy(assignment, links),
    targets: assignment.targets,
    modulesToSave: assignment.modulesToSave,
    loss,
    data,
    steps: links ? links.reduce((sum, length) => sum + length, 0) : assignment.totalSteps,
    optimizer: adamw({ weightDecay: assignment.weightDecay }),
    schedule: assignment.learningRate,
    seed: assignment.seed,
    onWarning: (warning: string) => console.error(warning),
  } satisfies FineTuneOptions;
}
