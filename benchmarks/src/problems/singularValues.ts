import { type Matrix, transpose } from './matrix.ts';

const sweeps = 60;

/** Singular values, largest first, by one-sided Jacobi rotations. */
export function singularValues(matrix: Matrix): readonly number[] {
  const { rows, columns, values } = matrix.rows < matrix.columns ? transpose(matrix) : matrix;
  const work = values.slice();
  const at = (row: number, column: number) => work[row * columns + column] as number;
  const inner = (left: number, right: number) => {
    let sum = 0;
    for (let row = 0; row < rows; row++) sum += at(row, left) * at(row, right);
    return sum;
  };
  for (let sweep = 0; sweep < sweeps; sweep++) {
    let isDiagonal = true;
    for (let left = 0; left < columns; left++) {
      for (let right = left + 1; right < columns; right++) {
        const overlap = inner(left, right);
        const [leftNorm, rightNorm] = [inner(left, left), inner(right, right)];
        if (Math.abs(overlap) <= 1e-14 * Math.sqrt(leftNorm * rightNorm)) continue;
        isDiagonal = false;
        const zeta = (rightNorm - leftNorm) / (2 * overlap);
        const tangent = Math.sign(zeta || 1) / (Math.abs(zeta) + Math.sqrt(1 + zeta * zeta));
        const cosine = 1 / Math.sqrt(1 + tangent * tangent);
        for (let row = 0; row < rows; row++) {
          const [x, y] = [at(row, left), at(row, right)];
          work[row * columns + left] = cosine * (x - tangent * y);
          work[row * columns + right] = cosine * (tangent * x + y);
        }
      }
    }
    if (isDiagonal) break;
  }
  const found = Array.from({ length: columns }, (_, column) => Math.sqrt(inner(column, column))).sort((a, b) => b - a);
  const rounding = 1e-14 * rows * (found[0] ?? 0);
  return found.map((value) => (value <= rounding ? 0 : value));
}

/** What is left of a matrix's squared norm after its best approximation of this rank (Eckart and Young). */
export function floorOfRank(values: readonly number[], rank: number): number {
  const squares = values.map((value) => value * value);
  const sum = (part: readonly number[]) => part.reduce((total, value) => total + value, 0);
  return sum(squares.slice(rank)) / sum(squares);
}
