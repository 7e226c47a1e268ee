import { PeftError } from '@peft/core';
import type { ColaOptions } from './colaOptions.ts';

/** The length of every link of a chain of `totalSteps`, in optimizer steps. */
export function linkLengths(
  totalSteps: number,
  { links, steps }: Pick<ColaOptions, 'links' | 'steps'>,
): readonly number[] {
  if (steps) {
    const sum = steps.reduce((total, length) => total + length, 0);
    if (sum === totalSteps) return steps;
    throw new PeftError(
      'chain/steps',
      `cola: the links' steps ${steps.join(' + ')} make ${sum}, but the chain lives for ${totalSteps} steps; make them agree.`,
    );
  }
  const count = links as number;
  if (totalSteps < count) {
    throw new PeftError(
      'chain/too-short',
      `cola: ${count} links do not fit into ${totalSteps} steps; every link needs at least one. Train longer or use fewer links.`,
    );
  }
  const startOf = (index: number) => Math.floor((index * totalSteps) / count);
  return Array.from({ length: count }, (_, index) => startOf(index + 1) - startOf(index));
}
