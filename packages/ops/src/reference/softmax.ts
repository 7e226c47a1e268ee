/** Softmax of each run of `width` values. */
export function softmax(x: Float64Array, width: number): Float64Array {
  const result = new Float64Array(x.length);
  for (let start = 0; start < x.length; start += width) {
    const row = x.subarray(start, start + width);
    const highest = Math.max(...row);
    const powers = row.map((value) => Math.exp(value - highest));
    const sum = powers.reduce((total, value) => total + value, 0);
    result.set(
      powers.map((value) => value / sum),
      start,
    );
  }
  return result;
}
