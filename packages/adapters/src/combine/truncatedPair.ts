import { type Matrix as Library, SingularValueDecomposition } from 'ml-matrix';
import { fromLibrary, toLibrary } from './library.ts';
import { keptRank, type LowRank, type Truncation, tailNorm } from './lowRank.ts';
import { type Matrix, product, scaledColumns, selectedColumns, transposed } from './matrix.ts';
import { thinQr } from './thinQr.ts';
import { truncatedMatrix } from './truncatedMatrix.ts';

/**
 * The best approximation of a.b (a [in, R], b [R, out]) in Frobenius norm that the truncation allows, split evenly over
 * both factors: QR of each, then the singular values of the core [R, R]; the product itself only where R exceeds a side.
 */
export function truncatedPair({ a, b }: { readonly a: Matrix; readonly b: Matrix }, truncation: Truncation): LowRank {
  if (a.columns > Math.min(a.rows, b.columns)) return truncatedMatrix(product(a, b), truncation);
  const left = thinQr(a);
  const right = thinQr(transposed(b));
  const core = new SingularValueDecomposition(toLibrary(product(left.r, transposed(right.r))), {
    autoTranspose: false,
  });
  const singular = core.diagonal;
  const rank = keptRank(singular, truncation);
  const kept = Array.from({ length: rank }, (_, index) => index);
  const roots = kept.map((index) => Math.sqrt(singular[index] as number));
  const side = (vectors: Library, q: Matrix) =>
    scaledColumns(product(q, selectedColumns(fromLibrary(vectors), kept)), roots);
  return {
    a: side(core.leftSingularVectors, left.q),
    b: transposed(side(core.rightSingularVectors, right.q)),
    residual: tailNorm(singular, rank),
  };
}
