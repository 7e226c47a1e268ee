import { requireInRange } from '../requireInRange.ts';
import { entry } from '../tree.ts';
import type { Evaluation } from './evaluate.ts';
import type { BestState } from './trainingState.ts';

export type EarlyStopping = {
  /** Evaluations without improvement before the run stops. */
  readonly patience: number;
  /** Smallest change that counts as improvement. */
  readonly minimumChange?: number;
};

/** Which evaluated value counts, and which way: the loss, less being better, or a metric with a mode. */
export type BestBy = { readonly metric?: string; readonly mode?: 'min' | 'max' };

/** Refuses impossible early-stopping options. */
export function checkEarlyStopping({ patience, minimumChange = 0 }: EarlyStopping): void {
  requireInRange('earlyStopping', { patience }, { from: 1, integer: true });
  requireInRange('earlyStopping', { minimumChange }, { from: 0 });
}

/** The value that decides: the loss unless a metric is named. */
export function decidingValue({ loss, metrics }: Evaluation, { metric = 'loss' }: BestBy): number {
  return metric === 'loss' ? loss : entry(metrics, metric, 'metric');
}

/** True if `value` improves on the best so far; what is not finite never does. */
export function improves(value: number, best: BestState | undefined, by: BestBy & Partial<EarlyStopping>): boolean {
  if (!Number.isFinite(value)) return false;
  if (best === undefined) return true;
  const change = by.mode === 'max' ? value - best.value : best.value - value;
  return change > (by.minimumChange ?? 0);
}
