import { partOf, type TrainedAdapter } from '@peft/core';

/** Whether the whole change, finished links included, is a sum of products of two factors. */
export function isAdditive({ strategy, finished }: TrainedAdapter): boolean {
  return strategy.factors !== undefined && finished.every(({ source }) => partOf(strategy, source).factors);
}
