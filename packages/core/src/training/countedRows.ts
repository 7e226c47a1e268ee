import { type HostArray, hostArray, sizeOf } from '../hostArray.ts';

export type Counting = {
  /** Label of tokens that do not count. */
  readonly ignore: number;
  /** How far after a row its label stands: 1 where each token is to predict the next. */
  readonly shift: 0 | 1;
};

/** A batch shape has at most this many lengths of its list of rows, each a program of its own where steps are compiled. */
const buckets = 8;

/**
 * The label of every row of an output [sequences * length] that counts. Where an eighth of the rows or more does not,
 * `rows` lists those that do, padded to the next eighth by row 0 with the label `ignore`; else all rows are meant.
 */
export function countedRows(
  { data, shape }: HostArray,
  { ignore, shift }: Counting,
): { readonly labels: HostArray; readonly rows?: HostArray } {
  const total = sizeOf(shape);
  const length = shape.at(-1) ?? 1;
  const all = new Int32Array(total).fill(ignore);
  const counted: number[] = [];
  for (let row = 0; row < total; row++) {
    const label = (row % length) + shift < length ? (data[row + shift] as number) : ignore;
    if (label === ignore) continue;
    all[row] = label;
    counted.push(row);
  }
  const step = Math.ceil(total / buckets);
  const padded = Math.max(1, Math.ceil(counted.length / step)) * step;
  if (padded >= total) return { labels: hostArray(all) };
  const rows = new Int32Array(padded);
  const labels = new Int32Array(padded).fill(ignore);
  for (const [index, row] of counted.entries()) {
    rows[index] = row;
    labels[index] = all[row] as number;
  }
  return { rows: hostArray(rows), labels: hostArray(labels) };
}
