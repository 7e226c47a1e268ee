/** A matrix in float64, row by row. */
export type Matrix = { readonly rows: number; readonly columns: number; readonly values: Float64Array };

/** A matrix of these values, or of zeros. */
export function matrix(
  rows: number,
  columns: number,
  values: ArrayLike<number> = new Float64Array(rows * columns),
): Matrix {
  return { rows, columns, values: values instanceof Float64Array ? values : Float64Array.from(values) };
}

/** left.right */
export function product(left: Matrix, right: Matrix): Matrix {
  const { columns } = right;
  const result = matrix(left.rows, columns);
  for (let row = 0; row < left.rows; row++) {
    const into = result.values.subarray(row * columns, (row + 1) * columns);
    for (let inner = 0; inner < left.columns; inner++) {
      const factor = left.values[row * left.columns + inner] as number;
      const from = inner * columns;
      for (let column = 0; column < columns; column++) {
        into[column] = (into[column] as number) + factor * (right.values[from + column] as number);
      }
    }
  }
  return result;
}

export function transposed({ rows, columns, values }: Matrix): Matrix {
  const result = matrix(columns, rows);
  for (let row = 0; row < rows; row++) {
    for (let column = 0; column < columns; column++) {
      result.values[column * rows + row] = values[row * columns + column] as number;
    }
  }
  return result;
}

/** The columns at these positions, in this order. */
export function selectedColumns({ rows, columns, values }: Matrix, positions: readonly number[]): Matrix {
  const result = matrix(rows, positions.length);
  for (let row = 0; row < rows; row++) {
    for (const [at, position] of positions.entries()) {
      result.values[row * positions.length + at] = values[row * columns + position] as number;
    }
  }
  return result;
}

/** The matrix with column i times factors[i]. */
export function scaledColumns({ rows, columns, values }: Matrix, factors: ArrayLike<number>): Matrix {
  return matrix(
    rows,
    columns,
    values.map((value, at) => value * (factors[at % columns] as number)),
  );
}

/** Matrices with as many rows each, side by side. */
export function besides(parts: readonly Matrix[]): Matrix {
  const rows = parts[0]?.rows ?? 0;
  const columns = parts.reduce((sum, part) => sum + part.columns, 0);
  const result = matrix(rows, columns);
  let offset = 0;
  for (const part of parts) {
    for (let row = 0; row < rows; row++) {
      result.values.set(part.values.subarray(row * part.columns, (row + 1) * part.columns), row * columns + offset);
    }
    offset += part.columns;
  }
  return result;
}

/** The Euclidean norm of all entries. */
export function norm(values: Float64Array): number {
  let sum = 0;
  for (const value of values) sum += value * value;
  return Math.sqrt(sum);
}

/** The Euclidean norm of each column. */
export function columnNorms({ columns, values }: Matrix): Float64Array {
  const sums = new Float64Array(columns);
  for (let at = 0; at < values.length; at++) {
    const value = values[at] as number;
    sums[at % columns] = (sums[at % columns] as number) + value * value;
  }
  return sums.map(Math.sqrt);
}
