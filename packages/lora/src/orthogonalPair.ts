import { fold, type HostArray, hostArray, type Seed, sizeOf } from '@peft/core';
import { normals } from '@peft/ops';

type Shapes = { readonly a: readonly number[]; readonly b: readonly number[] };

/**
 * A pair a [in, rank], b [rank, out], neither of them zero, whose product is zero but for rounding: their rank axes
 * are spanned by the odd and the even rows of one random orthonormal basis, and mixed by normals of deviation 0.1.
 */
export function orthogonalPair(
  shapes: Shapes,
  { rank, seed }: { readonly rank: number; readonly seed: Seed },
): { readonly a: HostArray; readonly b: HostArray } {
  const basis = orthonormalRows(rank, fold(seed, 'basis'));
  const spanA = basis.filter((_, index) => index % 2 === 0);
  const spanB = basis.filter((_, index) => index % 2 === 1);
  const fanIn = sizeOf(shapes.a) / rank;
  const fanOut = sizeOf(shapes.b) / rank;
  const mixA = normals(fold(seed, 'a'), fanIn * spanA.length);
  const mixB = normals(fold(seed, 'b'), fanOut * spanB.length);
  const a = new Float32Array(fanIn * rank);
  const b = new Float32Array(rank * fanOut);
  for (let row = 0; row < fanIn; row++) a.set(combined(spanA, mixA, row), row * rank);
  for (let column = 0; column < fanOut; column++) {
    for (const [row, value] of combined(spanB, mixB, column).entries()) b[row * fanOut + column] = value;
  }
  return { a: hostArray(a, shapes.a), b: hostArray(b, shapes.b) };
}

/** A tenth of the span's rows, summed with the given row of the mix. */
function combined(span: readonly Float64Array[], mix: Float32Array, row: number): Float64Array {
  const sum = new Float64Array((span[0] as Float64Array).length);
  for (const [index, vector] of span.entries()) {
    const weight = (mix[row * span.length + index] as number) / 10;
    for (let at = 0; at < sum.length; at++) sum[at] = (sum[at] as number) + weight * (vector[at] as number);
  }
  return sum;
}

/** A random orthogonal matrix by rows: Gram and Schmidt, twice over since once loses digits. */
function orthonormalRows(size: number, seed: Seed): readonly Float64Array[] {
  const drawn = normals(seed, size * size);
  const rows: Float64Array[] = [];
  for (let index = 0; index < size; index++) {
    const row = Float64Array.from(drawn.subarray(index * size, (index + 1) * size));
    for (const earlier of [...rows, ...rows]) subtract(row, earlier, dot(row, earlier));
    const norm = Math.sqrt(dot(row, row));
    rows.push(row.map((value) => value / norm));
  }
  return rows;
}

function dot(left: Float64Array, right: Float64Array): number {
  return left.reduce((sum, value, index) => sum + value * (right[index] as number), 0);
}

function subtract(from: Float64Array, vector: Float64Array, weight: number): void {
  for (let at = 0; at < from.length; at++) from[at] = (from[at] as number) - weight * (vector[at] as number);
}
