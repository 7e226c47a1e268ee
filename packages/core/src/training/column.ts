import { PeftError } from '@peft/ops';
import type { HostArray } from '../hostArray.ts';
import type { HostBatch } from './loss.ts';

/** A column of a batch; throws `data/column` with those there are. */
export function column(batch: HostBatch, name: string): HostArray {
  const array = batch[name];
  if (array) return array;
  throw new PeftError('data/column', `the batch has no column "${name}"; it has ${Object.keys(batch).join(', ')}.`);
}
