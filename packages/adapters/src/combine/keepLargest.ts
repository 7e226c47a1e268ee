/**
 * The values with all but the largest in magnitude set to 0: exactly the whole number of them below density times their
 * count, the earlier of two that are equal (TIES, Yadav et al. 2023, arXiv 2306.01708, step 1).
 */
export function keepLargest(values: Float64Array, density: number): Float64Array {
  // A product such as 0.29 * 100 lies just below the whole number that is meant.
  const count = Math.floor(density * values.length + 1e-6);
  if (count >= values.length) return values;
  if (count === 0) return new Float64Array(values.length);
  const magnitudes = values.map(Math.abs);
  const threshold = inOrder(magnitudes.slice(), values.length - count);
  let equal = count - magnitudes.reduce((above, value) => above + (value > threshold ? 1 : 0), 0);
  return values.map((value, at) => {
    const magnitude = magnitudes[at] as number;
    if (magnitude > threshold) return value;
    return magnitude === threshold && equal-- > 0 ? value : 0;
  });
}

/** The value that would stand at this position if the values were sorted, which are reordered (Hoare's selection). */
function inOrder(values: Float64Array, position: number): number {
  let [low, high] = [0, values.length - 1];
  while (low < high) {
    const pivot = values[(low + high) >>> 1] as number;
    let [left, right] = [low, high];
    while (left <= right) {
      while ((values[left] as number) < pivot) left++;
      while ((values[right] as number) > pivot) right--;
      if (left > right) break;
      const value = values[left] as number;
      values[left++] = values[right] as number;
      values[right--] = value;
    }
    if (position <= right) high = right;
    else if (position >= left) low = left;
    else break;
  }
  return values[position] as number;
}
