/** Root-mean-square normalization of each run of `gain.length` values. */
export function rmsNorm(
  x: Float64Array,
  { gain, epsilon }: { readonly gain: Float64Array; readonly epsilon: number },
): Float64Array {
  const width = gain.length;
  return x.map((value, index) => {
    const start = index - (index % width);
    const square = x.subarray(start, start + width).reduce((sum, each) => sum + each * each, 0) / width;
    return (value / Math.sqrt(square + epsilon)) * (gain[index % width] as number);
  });
}
