import { PeftError } from '@peft/ops';
import { rowTensors } from './tokenRows.ts';
import type { TrainedAdapter } from './trainedAdapter.ts';
import { tensorsOf } from './tree.ts';

/**
 * Refuses what is no trained adapter, and one whose tensors were freed; `what` names it in the message. Throws
 * `adapter/none` and `adapter/disposed`.
 */
export function requireTrained(trained: unknown, what: string): asserts trained is TrainedAdapter {
  requireAdapter(trained, what);
  const { adapter, tokenRows } = trained;
  const own = { params: adapter.params, state: adapter.state, trained: trained.trained, rows: rowTensors(tokenRows) };
  const gone = tensorsOf(own).filter((tensor) => tensor.isDisposed).length;
  if (gone === 0) return;
  throw new PeftError(
    'adapter/disposed',
    `${what} has ${gone} tensors that were disposed of; use it before they are freed, or load it again.`,
  );
}

/** Refuses what is no trained adapter, alive or not. Throws `adapter/none`. */
export function requireAdapter(trained: unknown, what: string): asserts trained is TrainedAdapter {
  if (isTrained(trained)) return;
  throw new PeftError('adapter/none', `${what} is no trained adapter; ${remedy(trained)}.`);
}

function remedy(value: unknown): string {
  if (isRecord(value) && typeof value.then === 'function') return 'it is a promise: await it first';
  if (isRecord(value) && isTrained(value.adapter)) return 'its field "adapter" holds one: pass that';
  return 'pass what fineTune or loadAdapter gave, as (await run.result).adapter';
}

function isTrained(value: unknown): boolean {
  const parts = ['strategy', 'adapter', 'targets', 'trained', 'tokenRows', 'finished'];
  return isRecord(value) && parts.every((name) => isRecord(value[name]));
}

function isRecord(value: unknown): value is Readonly<Record<string, unknown>> {
  return typeof value === 'object' && value !== null;
}
