import { normals } from '@peft/ops';

/** A matrix in float64, row by row. */
export type Matrix = { readonly rows: number; readonly columns: number; readonly values: Float64Array };

/** A matrix whose entries a function gives. */
export function matrixOf(rows: number, columns: number, at: (row: number, column: number) => number): Matrix {
  const values = Float64Array.from({ length: rows * columns }, (_, i) => at(Math.floor(i / columns), i % columns));
  return { rows, columns, values };
}

export function transpose({ rows, columns, values }: Matrix): Matrix {
  return matrixOf(columns, rows, (row, column) => values[column * columns + row] as number);
}

export function multiply(left: Matrix, right: Matrix): Matrix {
  const values = new Float64Array(left.rows * right.columns);
  for (let row = 0; row < left.rows; row++) {
    for (let inner = 0; inner < left.columns; inner++) {
      const factor = left.values[row * left.columns + inner] as number;
      for (let column = 0; column < right.columns; column++) {
        const at = row * right.columns + column;
        values[at] = (values[at] as number) + factor * (right.values[inner * right.columns + column] as number);
      }
    }
  }
  return { rows: left.rows, columns: right.columns, values };
}

/** Sum of squared differences of entries. */
export function squaredDistance(left: ArrayLike<number>, right: ArrayLike<number>): number {
  let sum = 0;
  for (let i = 0; i < left.length; i++) sum += ((left[i] as number) - (right[i] as number)) ** 2;
  return sum;
}

/** Sum of squared entries. */
export function squaredNorm(values: ArrayLike<number>): number {
  return squaredDistance(values, new Float64Array(values.length));
}

/** [rows, count] with orthonormal columns: normal draws through Gram and Schmidt, twice. */
export function orthonormal(seed: number, rows: number, count: number): Matrix {
  const draws = normals(seed, rows * count);
  const columns: Float64Array[] = [];
  for (let index = 0; index < count; index++) {
    const column = Float64Array.from(draws.subarray(index * rows, (index + 1) * rows));
    for (const earlier of [...columns, ...columns]) {
      const overlap = earlier.reduce((sum, value, i) => sum + value * (column[i] as number), 0);
      for (let i = 0; i < rows; i++) column[i] = (column[i] as number) - overlap * (earlier[i] as number);
    }
    const length = Math.sqrt(squaredNorm(column));
    columns.push(column.map((value) => value / length));
  }
  return matrixOf(rows, count, (row, column) => columns[column]?.[row] as number);
}
