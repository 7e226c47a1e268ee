export interface MatMulShape {
  readonly batch: number;
  readonly rows: number;
  readonly inner: number;
  readonly columns: number;
  readonly transposeA: boolean;
  readonly transposeB: boolean;
}

/** Products of row-major matrices, stacked; an operand of a single matrix is used for every product. */
export function matMul(a: Float64Array, b: Float64Array, shape: MatMulShape): Float64Array {
  const { batch, rows, inner, columns, transposeA, transposeB } = shape;
  const result = new Float64Array(batch * rows * columns);
  for (let index = 0; index < result.length; index++) {
    const column = index % columns;
    const row = Math.floor(index / columns) % rows;
    const matrix = Math.floor(index / (rows * columns));
    const startA = a.length === rows * inner ? 0 : matrix * rows * inner;
    const startB = b.length === inner * columns ? 0 : matrix * inner * columns;
    let sum = 0;
    for (let k = 0; k < inner; k++) {
      const left = a[startA + (transposeA ? k * rows + row : row * inner + k)] as number;
      sum += left * (b[startB + (transposeB ? column * inner + k : k * columns + column)] as number);
    }
    result[index] = sum;
  }
  return result;
}
