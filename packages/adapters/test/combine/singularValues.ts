/** Singular values of a matrix [rows, columns], falling, by one-sided Jacobi rotations. */
export function singularValues(values: Float64Array, columns: number): readonly number[] {
  const rows = values.length / columns;
  const vectors = Array.from({ length: columns }, (_, column) =>
    Float64Array.from({ length: rows }, (_, row) => values[row * columns + column] as number),
  );
  const dot = (left: Float64Array, right: Float64Array) =>
    left.reduce((sum, value, at) => sum + value * (right[at] as number), 0);
  for (let sweep = 0; sweep < 60; sweep++) {
    let largest = 0;
    for (let i = 0; i < columns; i++) {
      for (let j = i + 1; j < columns; j++) {
        const [left, right] = [vectors[i] as Float64Array, vectors[j] as Float64Array];
        const [a, b, c] = [dot(left, left), dot(right, right), dot(left, right)];
        if (c === 0) continue;
        largest = Math.max(largest, Math.abs(c) / Math.sqrt(a * b));
        const tau = (b - a) / (2 * c);
        const tangent = (tau >= 0 ? 1 : -1) / (Math.abs(tau) + Math.sqrt(1 + tau * tau));
        const cosine = 1 / Math.sqrt(1 + tangent * tangent);
        const sine = cosine * tangent;
        vectors[i] = left.map((value, at) => cosine * value - sine * (right[at] as number));
        vectors[j] = right.map((value, at) => sine * (left[at] as number) + cosine * value);
      }
    }
    if (largest < 1e-14) break;
  }
  return vectors.map((vector) => Math.sqrt(dot(vector, vector))).sort((left, right) => right - left);
}
