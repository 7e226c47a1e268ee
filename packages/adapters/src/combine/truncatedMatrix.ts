import { EigenvalueDecomposition, Matrix as Library } from 'ml-matrix';
import { gram } from './gram.ts';
import { keptRank, type LowRank, type Truncation } from './lowRank.ts';
import {
  columnNorms,
  type Matrix,
  matrix,
  norm,
  product,
  scaledColumns,
  selectedColumns,
  transposed,
} from './matrix.ts';

/**
 * The best approximation of a matrix in Frobenius norm that the truncation allows, split evenly over both factors: the
 * matrix projected on the eigenvectors of its Gram matrix on the shorter side. What the projection leaves out is
 * computed, not inferred, and its error is of second order in that of the eigenvectors.
 */
export function truncatedMatrix(of: Matrix, truncation: Truncation): LowRank {
  if (of.rows < of.columns) {
    const { a, b, residual } = truncatedMatrix(transposed(of), truncation);
    return { a: transposed(b), b: transposed(a), residual };
  }
  const limit = Math.min(truncation.rank ?? of.columns, of.columns);
  const basis = selectedColumns(eigenvectors(gram(of)), firstOf(limit, of.columns));
  const projected = product(of, basis);
  const singular = columnNorms(projected);
  // Norms below about 1e-8 of the largest are no longer in order.
  const order = [...singular.keys()].sort((left, right) => (singular[right] as number) - (singular[left] as number));
  const falling = order.map((index) => singular[index] as number);
  const rank = keptRank(falling, truncation);
  const kept = order.slice(0, rank);
  const roots = falling.slice(0, rank).map(Math.sqrt);
  const a = scaledColumns(
    selectedColumns(projected, kept),
    roots.map((root) => 1 / root),
  );
  const b = transposed(scaledColumns(selectedColumns(basis, kept), roots));
  return { a, b, residual: distance(of, product(a, b)) };
}

/** The eigenvectors of a symmetric matrix as columns, those of the smallest eigenvalue first. */
function eigenvectors({ rows, columns, values }: Matrix): Matrix {
  const library = Library.from1DArray(rows, columns, values);
  const { eigenvectorMatrix } = new EigenvalueDecomposition(library, { assumeSymmetric: true });
  return matrix(rows, columns, eigenvectorMatrix.to1DArray());
}

/** Positions of the last `count` columns, the last first. */
function firstOf(count: number, columns: number): readonly number[] {
  return Array.from({ length: count }, (_, index) => columns - 1 - index);
}

function distance(left: Matrix, right: Matrix): number {
  return norm(left.values.map((value, at) => value - (right.values[at] as number)));
}
