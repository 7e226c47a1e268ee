import * as tf from '@tensorflow/tfjs';
import { PeftError } from './error.ts';
import { type Composition, operation } from './operation.ts';

const scatterAdd: Composition<'dy' | 'ids', { rows: number }> = operation({
  name: 'PeftGatherGrad',
  compose: ({ dy, ids }, { rows }) => {
    const width = dy.shape[1] as number;
    return tf.scatterND(ids.reshape([ids.size, 1]), dy, [rows, width]);
  },
});

const gatherRows: Composition<'table' | 'ids', { rows: number }> = operation({
  name: 'PeftGather',
  compose: ({ table, ids }) => tf.gather(table, ids),
  gradient: {
    saves: ['ids'],
    of: (dy, { ids }, { rows }) => ({ table: () => scatterAdd({ dy, ids }, { rows }) }),
  },
});

/**
 * Rows of `table` [rows, width] at `ids` (int32, any shape): [...ids.shape, width]; the gradient adds up repeated ids.
 *
 * tfjs itself refuses ids out of range on the backends that can see them (cpu, wasm).
 * @throws PeftError `ops/shape`, `ops/dtype`
 */
export function gather(table: tf.Tensor, ids: tf.Tensor): tf.Tensor {
  if (table.rank !== 2) {
    throw new PeftError('ops/shape', `gather reads a table [rows, width], got shape [${table.shape}]; reshape it.`);
  }
  if (ids.dtype !== 'int32') {
    throw new PeftError('ops/dtype', `gather needs int32 ids, got ${ids.dtype}; cast them with tf.cast(ids, 'int32').`);
  }
  const [rows, width] = table.shape as [number, number];
  return gatherRows({ table, ids: ids.reshape([ids.size]) }, { rows }).reshape([...ids.shape, width]);
}
