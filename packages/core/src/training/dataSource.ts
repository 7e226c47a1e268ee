import { fold, PeftError, permutation, type Seed } from '@peft/ops';
import { hashArrays } from '../hashArrays.ts';
import { type HostArray, sizeOf, type TypedArray } from '../hostArray.ts';
import { requireInRange } from '../requireInRange.ts';
import type { HostBatch } from './loss.ts';

/** Batches of an epoch in an order fixed by epoch and seed, from the batch `skip` on; this is what resume needs. */
export interface DataSource {
  /** Batches of one epoch, where known; `epochs` needs it. */
  readonly batchesPerEpoch?: number;
  /** What fixes its batches. A save records the plain values among these, and resuming with others is refused. */
  readonly options?: object;
  batches(epoch: number, seed: Seed, skip: number): Iterable<HostBatch> | AsyncIterable<HostBatch>;
}

/** A source, or a plain iterable of batches, which trains but cannot be resumed. */
export type Data = DataSource | Iterable<HostBatch> | AsyncIterable<HostBatch>;

export type BatchesOptions = {
  readonly batchSize: number;
  /** A new order every epoch (the default), or the order of the rows. */
  readonly shuffle?: boolean;
  /** Leaves out a last batch that is not full. */
  readonly dropLast?: boolean;
};

/** Rows of equally long columns (first axis: examples), drawn in batches. */
export function batches(columns: Readonly<Record<string, HostArray>>, options: BatchesOptions): DataSource {
  const { batchSize, shuffle = true, dropLast = false } = options ?? {};
  requireInRange('batches', { batchSize }, { from: 1, integer: true });
  const rows = rowCount(columns);
  const count = dropLast ? Math.floor(rows / batchSize) : Math.ceil(rows / batchSize);
  if (count === 0) {
    throw new PeftError(
      'data/empty',
      `batches: ${rows} rows make no batch of ${batchSize}${dropLast ? ' with dropLast' : ''}; add rows or lower batchSize.`,
    );
  }
  let content: string | undefined;
  return {
    batchesPerEpoch: count,
    get options() {
      content ??= hashArrays(Object.entries(columns));
      return { rows, batchSize, shuffle, dropLast, content };
    },
    *batches(epoch, seed, skip) {
      const order = shuffle ? permutation(fold(fold(seed, 'order'), epoch), rows) : undefined;
      for (let index = skip; index < count; index++) {
        const from = index * batchSize;
        const chosen = Array.from(
          { length: Math.min(batchSize, rows - from) },
          (_, i) => order?.[from + i] ?? from + i,
        );
        yield Object.fromEntries(Object.entries(columns).map(([name, column]) => [name, takeRows(column, chosen)]));
      }
    },
  };
}

/** True for what can be resumed. */
export function isDataSource(data: Data): data is DataSource {
  return typeof (data as DataSource).batches === 'function';
}

function rowCount(columns: Readonly<Record<string, HostArray>>): number {
  const lengths = Object.entries(columns).map(([name, { shape, data }]) => {
    if (!Array.isArray(shape) || !ArrayBuffer.isView(data)) {
      throw new PeftError(
        'data/not-an-array',
        `batches: column "${name}" is not a host array; pass { dtype, shape, data } (hostArray() makes one).`,
      );
    }
    if (sizeOf(shape) !== data.length) {
      throw new PeftError('data/shape', `batches: column "${name}" has ${data.length} values but shape [${shape}].`);
    }
    return [name, shape[0] ?? 1] as const;
  });
  const [first] = lengths;
  if (!first) throw new PeftError('data/empty', 'batches: no columns were given; pass at least one.');
  if (lengths.some(([, length]) => length !== first[1])) {
    const said = lengths.map(([name, length]) => `"${name}" ${length}`).join(', ');
    throw new PeftError(
      'data/rows',
      `batches: columns differ in rows: ${said}; every column needs one row per example.`,
    );
  }
  return first[1];
}

function takeRows(column: HostArray, rows: readonly number[]): HostArray {
  const width = sizeOf(column.shape.slice(1));
  const Values = column.data.constructor as new (length: number) => TypedArray;
  const data = new Values(rows.length * width);
  for (const [at, row] of rows.entries()) {
    // Both sides have the same element type, which the union of arrays cannot express.
    (data as Float32Array).set((column.data as Float32Array).subarray(row * width, (row + 1) * width), at * width);
  }
  return { dtype: column.dtype, shape: [rows.length, ...column.shape.slice(1)], data };
}
