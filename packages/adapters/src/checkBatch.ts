import { PeftError } from '@peft/core';
import * as tf from '@tensorflow/tfjs';

/** Refuses what is no batch of tensors. Throws `adapters/batch` with all columns that are none. */
export function checkTensorBatch(batch: unknown): void {
  check(batch, {
    caller: 'apply',
    holds: (value) => value instanceof tf.Tensor,
    remedy: 'apply takes tensors, as tf.tensor(data, shape, dtype); predict takes host arrays',
  });
}

/** Refuses what is no batch of host arrays. Throws `adapters/batch` with all columns that are none. */
export function checkHostBatch(batch: unknown): void {
  check(batch, {
    caller: 'predict',
    holds: isHostArray,
    remedy: 'predict takes host arrays, as hostArray(data, shape) of @peft/core; apply takes tensors',
  });
}

type Kind = { readonly caller: string; readonly remedy: string; holds(value: unknown): boolean };

function check(batch: unknown, { caller, holds, remedy }: Kind): void {
  const isBatch = typeof batch === 'object' && batch !== null && !(batch instanceof tf.Tensor) && !isHostArray(batch);
  const wrong = isBatch ? Object.entries(batch).filter(([, value]) => !holds(value)) : [];
  if (isBatch && wrong.length === 0) return;
  const list = wrong.map(([name, value]) => `column "${name}" is ${said(value)}`).join(', ');
  const problem = isBatch ? list : `the batch is ${said(batch)}, and a record of columns by name is expected`;
  throw new PeftError('adapters/batch', `adapterSet: ${caller}: ${problem}; ${remedy}.`);
}

function isHostArray(value: unknown): boolean {
  return (
    typeof value === 'object' &&
    value !== null &&
    'shape' in value &&
    ArrayBuffer.isView((value as { data?: unknown }).data)
  );
}

function said(value: unknown): string {
  if (value instanceof tf.Tensor) return 'a tensor';
  if (isHostArray(value)) return 'a host array';
  if (Array.isArray(value)) return 'a plain array';
  return typeof value === 'object' && value !== null ? 'an object' : String(value);
}
