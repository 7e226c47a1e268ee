import * as tf from '@tensorflow/tfjs';
import { toFloat32 } from '../hostArray.ts';
import type { TokenTable } from '../tokenRows.ts';
import type { Weights } from '../weights.ts';

/** The tables' own values of the rows that are trained. */
export function freshRows(
  weights: Weights,
  tables: Readonly<Record<string, TokenTable>>,
): Readonly<Record<string, tf.Tensor>> {
  return Object.fromEntries(
    Object.entries(tables).map(([path, { ids }]) => {
      const table = weights.get(`${path}.weight`);
      const width = table.shape[1] as number;
      const values = toFloat32(table);
      const rows = new Float32Array(ids.length * width);
      for (const [index, id] of ids.entries()) rows.set(values.subarray(id * width, (id + 1) * width), index * width);
      return [path, tf.tensor2d(rows, [ids.length, width])];
    }),
  );
}
