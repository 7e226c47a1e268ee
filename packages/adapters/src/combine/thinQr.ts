import { QrDecomposition } from 'ml-matrix';
import { fromLibrary, toLibrary } from './library.ts';
import type { Matrix } from './matrix.ts';

/** q.r with orthonormal columns q [rows, columns] and upper triangular r [columns, columns]; there are no fewer rows. */
export function thinQr(of: Matrix): { readonly q: Matrix; readonly r: Matrix } {
  const decomposed = new QrDecomposition(toLibrary(of));
  return { q: fromLibrary(decomposed.orthogonalMatrix), r: fromLibrary(decomposed.upperTriangularMatrix) };
}
