import type { Matrix } from './matrix.ts';

/** a.b with a [in, rank], b [rank, out], and how much of a matrix it leaves out. */
export type LowRank = {
  readonly a: Matrix;
  readonly b: Matrix;
  /** Frobenius norm of what is left out. */
  readonly residual: number;
};

/** How much of a matrix to keep. */
export type Truncation = {
  /** Largest rank; all that is above the tolerance when left out. */
  readonly rank?: number | undefined;
  /** Frobenius norm that may be left out as rounding. */
  readonly tolerance: number;
};

/** How many of these falling singular values to keep: the fewest whose rest is within the tolerance, at most `rank`. */
export function keptRank(singular: ArrayLike<number>, { rank = singular.length, tolerance }: Truncation): number {
  let kept = singular.length;
  let rest = 0;
  while (kept > 0) {
    rest += (singular[kept - 1] as number) ** 2;
    if (Math.sqrt(rest) > tolerance) break;
    kept--;
  }
  return Math.min(kept, rank);
}

/** Frobenius norm of what the singular values from `rank` on stand for. */
export function tailNorm(singular: ArrayLike<number>, rank: number): number {
  let sum = 0;
  for (let at = singular.length - 1; at >= rank; at--) sum += (singular[at] as number) ** 2;
  return Math.sqrt(sum);
}
