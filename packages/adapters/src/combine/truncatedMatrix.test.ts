import { normals } from '@peft/ops';
import fc from 'fast-check';
import { describe, expect, it, test } from 'vitest';
import { singularValues } from '../../test/combine/singularValues.ts';
import { leadingBasis } from './leadingBasis.ts';
import { type Matrix, matrix, norm, product, scaledColumns, transposed } from './matrix.ts';
import { truncatedMatrix } from './truncatedMatrix.ts';
import { truncatedPair } from './truncatedPair.ts';

const seed = 20260303;
const drawn = (rows: number, columns: number, from: number) => matrix(rows, columns, normals(from, rows * columns));

/** A matrix [rows, columns] with these singular values, by orthonormal columns from Gram and Schmidt. */
function withSingular(rows: number, columns: number, singular: readonly number[]): Matrix {
  const orthonormal = (size: number, from: number) => {
    const basis: Float64Array[] = [];
    for (let index = 0; index < singular.length; index++) {
      let vector = Float64Array.from(normals(from + index, size));
      for (const earlier of [...basis, ...basis]) {
        const part = earlier.reduce((sum, value, at) => sum + value * (vector[at] as number), 0);
        vector = vector.map((value, at) => value - part * (earlier[at] as number));
      }
      const length = norm(vector);
      basis.push(vector.map((value) => value / length));
    }
    return transposed(
      matrix(
        singular.length,
        size,
        basis.flatMap((vector) => [...vector]),
      ),
    );
  };
  return product(scaledColumns(orthonormal(rows, 1000), singular), transposed(orthonormal(columns, 5000)));
}

/** The truncation's error beside the norm of what the best approximation leaves out, relative to the matrix. */
function excess(of: Matrix, rank: number, expected = singularValues(of.values, of.columns)) {
  const { a, b, residual } = truncatedMatrix(of, { rank, tolerance: 0 });
  const approximated = product(a, b).values;
  const off = norm(of.values.map((value, at) => value - (approximated[at] as number)));
  const tail = Math.hypot(...expected.slice(rank));
  const size = norm(of.values);
  return { error: Math.abs(off - tail) / size, reported: Math.abs(off - residual) / size, kept: a.columns };
}

describe('the best approximation of a rank', () => {
  test(`of matrices of any shape (seed ${seed})`, () => {
    const shapes = fc.tuple(fc.integer({ min: 1, max: 12 }), fc.integer({ min: 1, max: 12 }), fc.nat(1e6));
    const best = fc.property(shapes, fc.integer({ min: 1, max: 13 }), ([rows, columns, from], rank) => {
      const { error, reported, kept } = excess(drawn(rows, columns, from), rank);
      expect(kept).toBe(Math.min(rank, rows, columns));
      expect(Math.max(error, reported)).toBeLessThan(1e-13);
    });
    fc.assert(best, { seed, numRuns: 100 });
  });

  const falling = (count: number, factor: number) => Array.from({ length: count }, (_, index) => factor ** index);
  it.each([
    ['of falling singular values', falling(60, 0.8), 6],
    ['of a slow fall', falling(60, 0.98), 6],
    ['of as many equal ones as the rank', [...Array(6).fill(1), ...falling(54, 0.9).map((value) => value / 2)], 6],
    ['of more equal ones than the rank', [...Array(20).fill(1), ...falling(40, 0.9).map((value) => value / 2)], 6],
    ['of fewer than the rank', falling(3, 0.5), 6],
    ['of a tail 1e-6 of the largest', [...falling(6, 0.9), ...falling(54, 0.9).map((value) => value * 1e-6)], 6],
    ['of one', [3], 1],
  ])('%s, tall and wide', (_, singular, rank) => {
    for (const of of [withSingular(150, 120, singular), withSingular(70, 90, singular)]) {
      const { error, reported } = excess(of, rank, singular);
      expect(error).toBeLessThan(1e-12);
      expect(reported).toBeLessThan(1e-13);
    }
  });

  it('is found in a part of all dimensions where singular values fall, and by all of them where they do not', () => {
    const equal = [...Array(20).fill(1), ...falling(40, 0.8).map((value) => value / 9)];
    for (const singular of [falling(60, 0.8), equal]) {
      const of = withSingular(300, 240, singular);
      expect(leadingBasis(of, 6)?.columns).toBe(6);
      expect(excess(of, 6, singular).error).toBeLessThan(1e-12);
    }
    expect(leadingBasis(withSingular(90, 70, falling(3, 0.5)), 6)?.columns).toBe(6);
    expect(leadingBasis(drawn(90, 70, 3), 6)).toBeUndefined();
    expect(excess(drawn(90, 70, 3), 6).error).toBeLessThan(1e-13);
  });

  it('of nothing has rank 0', () => {
    const { a, b, residual } = truncatedMatrix(matrix(90, 70), { rank: 4, tolerance: 0 });
    expect([a.rows, a.columns, b.rows, b.columns, residual]).toEqual([90, 0, 0, 70, 0]);
  });

  it('leaves out what is within the tolerance, all of it together', () => {
    const of = withSingular(30, 20, [1, 0.5, 3e-8, 3e-8, 3e-8]);
    const kept = (tolerance: number) => truncatedMatrix(of, { tolerance }).a.columns;
    expect([kept(0.6), kept(6e-8), kept(5e-8), kept(2e-8)]).toEqual([1, 2, 3, 5]);
  });

  it('of a product is that of the matrix', () => {
    for (const rank of [1, 4, 9, 15]) {
      const pair = { a: drawn(20, rank, 1), b: drawn(rank, 14, 2) };
      const singular = singularValues(product(pair.a, pair.b).values, 14);
      const { a, b, residual } = truncatedPair(pair, { rank: 3, tolerance: 1e-12 });
      const whole = product(pair.a, pair.b).values;
      const off = norm(whole.map((value, at) => value - (product(a, b).values[at] as number)));
      expect(Math.abs(off - Math.hypot(...singular.slice(3))) / norm(whole)).toBeLessThan(1e-13);
      expect(Math.abs(off - residual) / norm(whole)).toBeLessThan(1e-13);
      expect(a.columns).toBe(Math.min(rank, 3));
    }
  });
});
