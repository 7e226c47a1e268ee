import type { HostArray, TypedArray } from '@peft/core';

/** The transpose of a matrix [rows, columns] in row-major order, whatever its dtype. */
export function swapAxes({ dtype, data }: HostArray, rows: number, columns: number): HostArray {
  const Values = data.constructor as new (length: number) => TypedArray;
  const swapped = new Values(data.length);
  for (let row = 0; row < rows; row++) {
    for (let column = 0; column < columns; column++) {
      swapped[column * rows + row] = data[row * columns + column] as number & bigint;
    }
  }
  return { dtype, shape: [columns, rows], data: swapped };
}
