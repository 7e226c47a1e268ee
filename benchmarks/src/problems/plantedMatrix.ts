import { fold } from '@peft/ops';
import { type Matrix, matrixOf, multiply, orthonormal, transpose } from './matrix.ts';

export type Planting = { readonly rows: number; readonly columns: number; readonly singularValues: readonly number[] };

/** A matrix with these singular values in random directions. */
export function plantedMatrix(seed: number, { rows, columns, singularValues }: Planting): Matrix {
  const rank = singularValues.length;
  const left = orthonormal(fold(seed, 'left'), rows, rank);
  const right = orthonormal(fold(seed, 'right'), columns, rank);
  const scaled = matrixOf(
    rows,
    rank,
    (row, column) => (left.values[row * rank + column] as number) * (singularValues[column] as number),
  );
  return multiply(scaled, transpose(right));
}

/** `count` numbers from `first` to `last`, evenly spaced; `first` alone for one. */
export function evenlySpaced(first: number, last: number, count: number): readonly number[] {
  return Array.from({ length: count }, (_, index) => first + ((last - first) * index) / Math.max(1, count - 1));
}
