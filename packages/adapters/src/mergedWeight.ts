import { replaceRows, type Target, type TokenRows } from '@peft/core';
import type * as tf from '@tensorflow/tfjs';
import type { PreparedAdapter } from './prepareAdapter.ts';

export type Parameter = {
  /** Its full path. */
  readonly path: string;
  /** Whose weight it is, if it is one. */
  readonly target: Target | undefined;
  readonly base: tf.Tensor;
};

/** What one parameter is with an adapter alone; the very base where it changes nothing. */
export function mergedWeight(
  { trained, strategy, adapter, bases }: PreparedAdapter,
  { path, target, base }: Parameter,
): tf.Tensor {
  if (Object.hasOwn(trained.trained, path)) return trained.trained[path] as tf.Tensor;
  if (!target) return base;
  const rows = rowsAt(trained.tokenRows, target);
  const afterKnots = Object.hasOwn(bases, target.path) ? bases[target.path] : undefined;
  const start = afterKnots ?? (rows ? replaceRows(base, rows) : base);
  return trained.targets.some((each) => each.path === target.path) ? strategy.merge(adapter, target, start) : start;
}

function rowsAt(tokenRows: Readonly<Record<string, TokenRows>>, { path }: Target): TokenRows | undefined {
  return Object.entries(tokenRows).find(([table, { heads }]) => table === path || heads.includes(path))?.[1];
}
