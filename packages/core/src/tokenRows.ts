import type { Tensor } from '@tensorflow/tfjs';
import { fromTensor, toFloat32 } from './hostArray.ts';
import { entry } from './tree.ts';
import type { Weights } from './weights.ts';

/** Rows of an embedding's table that are trained and stand in for the table's own. */
export type TokenTable = {
  /** Numbers of the rows, each once, in the order of `rows`. */
  readonly ids: readonly number[];
  /** Paths of the linear layers that share the table and see the same rows. */
  readonly heads: readonly string[];
};

/** A table's rows and their values [ids, width]. */
export type TokenRows = TokenTable & { readonly rows: Tensor };

/** The values alone, by table. */
export function rowTensors(tokenRows: Readonly<Record<string, TokenRows>>): Readonly<Record<string, Tensor>> {
  return Object.fromEntries(Object.entries(tokenRows).map(([table, { rows }]) => [table, rows]));
}

/** Tables with the values of their rows. */
export function withRows(
  tables: Readonly<Record<string, TokenTable>>,
  values: Readonly<Record<string, Tensor>>,
): Readonly<Record<string, TokenRows>> {
  return Object.fromEntries(
    Object.entries(tables).map(([path, table]) => [path, { ...table, rows: entry(values, path, 'trained rows of') }]),
  );
}

/** Writes rows into a fork's copies of their table and its heads; every other row keeps its values. */
export async function writeRows(weights: Weights, table: string, { ids, heads, rows }: TokenRows): Promise<void> {
  const { data } = await fromTensor(rows);
  const width = rows.shape[1] as number;
  for (const path of [table, ...heads].map((module) => `${module}.weight`)) {
    const old = weights.get(path);
    const values = toFloat32(old).slice();
    for (const [index, id] of ids.entries())
      values.set(data.subarray(index * width, (index + 1) * width) as Float32Array, id * width);
    weights.write(path, { dtype: 'float32', shape: old.shape, data: values });
  }
}
