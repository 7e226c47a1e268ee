import { type Matrix, matrix } from './matrix.ts';

/** The symmetric matrix transposed(m).m, four rows of m at a time so that the result passes the cache a quarter as often. */
export function gram({ rows, columns: size, values }: Matrix): Matrix {
  const result = new Float64Array(size * size);
  const padded = Math.ceil(rows / 4) * 4 * size;
  const source = padded === values.length ? values : extended(values, padded);
  for (let start = 0; start < padded; start += 4 * size) {
    const [first, second, third, fourth] = [start, start + size, start + 2 * size, start + 3 * size] as const;
    for (let i = 0; i < size; i++) {
      const a = source[first + i] as number;
      const b = source[second + i] as number;
      const c = source[third + i] as number;
      const d = source[fourth + i] as number;
      const into = i * size;
      for (let j = i; j < size; j++) {
        result[into + j] =
          (result[into + j] as number) +
          (a * (source[first + j] as number) + b * (source[second + j] as number)) +
          (c * (source[third + j] as number) + d * (source[fourth + j] as number));
      }
    }
  }
  for (let i = 0; i < size; i++) {
    for (let j = 0; j < i; j++) result[i * size + j] = result[j * size + i] as number;
  }
  return matrix(size, size, result);
}

function extended(values: Float64Array, length: number): Float64Array {
  const result = new Float64Array(length);
  result.set(values);
  return result;
}
