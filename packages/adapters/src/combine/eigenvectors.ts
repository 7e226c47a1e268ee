import { EigenvalueDecomposition } from 'ml-matrix';
import { fromLibrary, toLibrary } from './library.ts';
import type { Matrix } from './matrix.ts';

/** The eigenvalues of a symmetric matrix, rising, and its orthonormal eigenvectors as columns in that order. */
export function eigenvectors(of: Matrix): { readonly values: readonly number[]; readonly vectors: Matrix } {
  const decomposed = new EigenvalueDecomposition(toLibrary(of), { assumeSymmetric: true });
  return { values: decomposed.realEigenvalues, vectors: fromLibrary(decomposed.eigenvectorMatrix) };
}
