import { eigenvectors } from './eigenvectors.ts';
import { gram } from './gram.ts';
import { leadingBasis } from './leadingBasis.ts';
import { keptRank, type LowRank, type Truncation } from './lowRank.ts';
import { columnNorms, type Matrix, norm, product, scaledColumns, selectedColumns, transposed } from './matrix.ts';

/**
 * The best approximation of a matrix in Frobenius norm that the truncation allows, split evenly over both factors: the
 * matrix projected on its leading singular vectors on the shorter side. What the projection leaves out is computed, not
 * inferred, and errors of the vectors enter it squared.
 */
export function truncatedMatrix(of: Matrix, truncation: Truncation): LowRank {
  if (of.rows < of.columns) {
    const { a, b, residual } = truncatedMatrix(transposed(of), truncation);
    return { a: transposed(b), b: transposed(a), residual };
  }
  const limit = Math.min(truncation.rank ?? of.columns, of.columns);
  const basis = leadingBasis(of, limit) ?? wholeBasis(of, limit);
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

/** The right singular vectors of the largest singular values, by the eigenvectors of the whole Gram matrix. */
function wholeBasis(of: Matrix, limit: number): Matrix {
  const positions = Array.from({ length: limit }, (_, index) => of.columns - 1 - index);
  return selectedColumns(eigenvectors(gram(of)).vectors, positions);
}

function distance(left: Matrix, right: Matrix): number {
  return norm(left.values.map((value, at) => value - (right.values[at] as number)));
}
