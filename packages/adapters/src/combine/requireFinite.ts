import { PeftError, type TrainedAdapter } from '@peft/core';

/** Refuses values of an adapter at a path that are not finite: throws `combine/not-finite`. */
export function requireFinite(values: Float32Array | Float64Array, { strategy }: TrainedAdapter, path: string): void {
  if (values.every(Number.isFinite)) return;
  throw new PeftError(
    'combine/not-finite',
    `the adapter of strategy "${strategy.name}" has values at "${path}" that are not finite; combine an earlier state of it.`,
  );
}
