import type { HostArray } from '@peft/core';
import type { RowGroup } from './batchRows.ts';

/** Rows of an array one after another, the last repeated up to `length`. */
export function takeRows(array: HostArray, rows: readonly number[], length = rows.length): HostArray {
  const { shape, dtype, data } = array;
  const size = data.length / (shape[0] as number);
  const taken = new (data.constructor as new (length: number) => typeof data)(length * size);
  for (let place = 0; place < length; place++) {
    const row = rows[Math.min(place, rows.length - 1)] as number;
    taken.set(data.subarray(row * size, (row + 1) * size) as never, place * size);
  }
  return { dtype, shape: [length, ...shape.slice(1)], data: taken };
}

/** The groups' outputs as one, each row at its place in the batch; what pads a group is left out. */
export function inOrder(outputs: readonly HostArray[], groups: readonly RowGroup[]): HostArray {
  const [first] = outputs as readonly [HostArray];
  const rest = first.shape.slice(1);
  const size = rest.reduce((product, length) => product * length, 1);
  const data = new Float32Array(groups.reduce((count, { rows }) => count + rows.length, 0) * size);
  for (const [index, { rows }] of groups.entries()) {
    const output = outputs[index]?.data as Float32Array;
    for (const [place, row] of rows.entries()) data.set(output.subarray(place * size, (place + 1) * size), row * size);
  }
  return { dtype: 'float32', shape: [data.length / size, ...rest], data };
}
