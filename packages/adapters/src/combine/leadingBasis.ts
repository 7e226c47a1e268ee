import { normals } from '@peft/ops';
import { eigenvectors } from './eigenvectors.ts';
import { gram } from './gram.ts';
import { besides, type Matrix, matrix, norm, product, scaledColumns, selectedColumns, transposed } from './matrix.ts';
import { thinQr } from './thinQr.ts';

/** Columns beyond the rank in a block, so that equal singular values at its edge are found together. */
const margin = 8;

/** The largest residual of all vectors together, relative to the largest eigenvalue. */
const precision = 1e-9;

/** What is smaller than this, relative to the largest eigenvalue, is no new direction but rounding. */
const noise = 1e-12;

/**
 * The right singular vectors of a matrix's `rank` largest singular values, as columns [columns, rank], by a block Krylov
 * space from a fixed random start (Musco and Musco 2015, arXiv 1504.05477), enlarged until their residual is within
 * rounding; undefined where a quarter of all dimensions does not suffice, as for a flat spectrum.
 */
export function leadingBasis(of: Matrix, rank: number): Matrix | undefined {
  const size = of.columns;
  if (rank + margin > size / 4) return undefined;
  const across = transposed(of);
  let block = orthonormal(matrix(size, rank + margin, normals(0, size * (rank + margin))), 0);
  let basis = matrix(size, 0);
  let images = matrix(of.rows, 0);
  let returned = matrix(size, 0);
  while (basis.columns + block.columns <= size / 4) {
    const image = product(of, block);
    const back = product(across, image);
    basis = besides([basis, block]);
    images = besides([images, image]);
    returned = besides([returned, back]);
    const { values, vectors } = eigenvectors(gram(images));
    const top = Array.from({ length: rank }, (_, index) => values.length - 1 - index);
    const largest = values.at(-1) as number;
    const inside = selectedColumns(vectors, top);
    const found = product(basis, inside);
    const expected = scaledColumns(
      found,
      top.map((index) => values[index] as number),
    );
    const residual = norm(minus(product(returned, inside), expected).values);
    if (residual <= precision * largest) return found;
    block = orthonormal(without(without(back, basis), basis), noise * largest);
    // No direction is left: what has been found is all there is.
    if (block.columns === 0) return found;
    block = orthonormal(without(block, basis), noise);
  }
  return undefined;
}

/** Orthonormal columns that span these, but for what adds no more than this length to those before it. */
function orthonormal(of: Matrix, least: number): Matrix {
  const { q, r } = thinQr(of);
  const live = Array.from({ length: r.columns }, (_, index) => index);
  return selectedColumns(
    q,
    live.filter((index) => Math.abs(r.values[index * r.columns + index] as number) > least),
  );
}

/** The columns without their part in the span of an orthonormal basis. */
function without(of: Matrix, basis: Matrix): Matrix {
  return minus(of, product(basis, product(transposed(basis), of)));
}

function minus(left: Matrix, right: Matrix): Matrix {
  return matrix(
    left.rows,
    left.columns,
    left.values.map((value, at) => value - (right.values[at] as number)),
  );
}
