/** Layer normalization of each run of `gain.length` values. */
export function layerNorm(
  x: Float64Array,
  { gain, bias, epsilon }: { readonly gain: Float64Array; readonly bias: Float64Array; readonly epsilon: number },
): Float64Array {
  const width = gain.length;
  const result = new Float64Array(x.length);
  for (let start = 0; start < x.length; start += width) {
    const row = x.subarray(start, start + width);
    const mean = row.reduce((sum, value) => sum + value, 0) / width;
    const variance = row.reduce((sum, value) => sum + (value - mean) ** 2, 0) / width;
    row.forEach((value, column) => {
      const normalized = (value - mean) / Math.sqrt(variance + epsilon);
      result[start + column] = normalized * (gain[column] as number) + (bias[column] as number);
    });
  }
  return result;
}
