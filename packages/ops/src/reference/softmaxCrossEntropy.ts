/** Sum of -log softmax(row)[label] over the rows whose label is not `ignore`. */
export function softmaxCrossEntropy(logits: Float64Array, labels: ArrayLike<number>, ignore = -100): number {
  const width = logits.length / labels.length;
  return Array.from(labels).reduce((sum, label, row) => {
    if (label === ignore) return sum;
    const values = logits.subarray(row * width, (row + 1) * width);
    const highest = Math.max(...values);
    const partition = values.reduce((total, value) => total + Math.exp(value - highest), 0);
    return sum + highest + Math.log(partition) - (values[label] ?? Number.NaN);
  }, 0);
}
