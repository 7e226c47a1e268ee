import { combinedDelta, type PlacedChange } from './combinedDelta.ts';
import type { Combination } from './combineOptions.ts';
import type { LowRank } from './lowRank.ts';
import { besides, type Matrix, matrix, norm, product, scaledColumns, transposed } from './matrix.ts';
import type { SourceChange } from './sourceChange.ts';
import { truncatedMatrix } from './truncatedMatrix.ts';
import { truncatedPair } from './truncatedPair.ts';

/** Half a unit in the last place of float32, relative: what storing a value may take from it. */
const rounding = 2 ** -24;

/** The combined change of a target as factors, which have rank 0 where it is no more than rounding. */
export function combinedPair(
  changes: readonly PlacedChange[],
  { path, combination }: { readonly path: string; readonly combination: Combination },
): LowRank {
  const { method } = combination;
  if (changes.length === 0) return { a: matrix(0, 0), b: matrix(0, 0), residual: 0 };
  const all = changes.map(({ change }) => change);
  const tolerance = rounding * all.reduce((sum, { weight, size }) => sum + Math.abs(weight) * size, 0);
  const pairs = all.flatMap(({ pair, weight }) => (pair ? [{ ...pair, weight }] : []));
  const rank = limitOf(combination, all);
  if (method === 'cat') return { ...stacked(pairs), residual: 0 };
  const isSum = method === 'linear' || method === 'svd';
  if (isSum && pairs.length === all.length) return truncatedPair(stacked(pairs), { rank, tolerance });
  return truncatedMatrix(combinedDelta(changes, { path, combination }), { rank, tolerance });
}

/** The largest rank that the result may have. */
function limitOf({ method, rank }: Combination, changes: readonly SourceChange[]): number | undefined {
  if (method === 'cat' || method === 'linear' || rank === 'full') return undefined;
  return rank ?? Math.max(...changes.map(({ pair }) => pair?.a.columns ?? 0));
}

/** The factors side by side, whose product is the weighted sum of the products. */
function stacked(pairs: readonly { readonly a: Matrix; readonly b: Matrix; readonly weight: number }[]): {
  readonly a: Matrix;
  readonly b: Matrix;
} {
  const columns = pairs.map(({ b, weight }) => {
    const turned = transposed(b);
    return scaledColumns(turned, new Float64Array(turned.columns).fill(weight));
  });
  return { a: besides(pairs.map(({ a }) => a)), b: transposed(besides(columns)) };
}

/** The Frobenius norm of a.b and of what it leaves out. */
export function wholeNorm({ a, b, residual }: LowRank): number {
  return Math.hypot(norm(product(a, b).values), residual);
}
