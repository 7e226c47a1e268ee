import { Matrix as Library } from 'ml-matrix';
import { type Matrix, matrix } from './matrix.ts';

/** A matrix as ml-matrix has it. */
export function toLibrary({ rows, columns, values }: Matrix): Library {
  return Library.from1DArray(rows, columns, values);
}

/** A matrix of ml-matrix as it is here. */
export function fromLibrary(from: Library): Matrix {
  return matrix(from.rows, from.columns, from.to1DArray());
}
