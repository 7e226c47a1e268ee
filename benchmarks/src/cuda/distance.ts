/** norm(a - b) / norm(b); what is not a number must be so on both sides, or the distance is infinite. */
export function relativeDistance(found: ArrayLike<number>, expected: ArrayLike<number>): number {
  if (found.length !== expected.length) return Number.POSITIVE_INFINITY;
  let [difference, size] = [0, 0];
  for (let i = 0; i < expected.length; i++) {
    const [a, b] = [Number(found[i]), Number(expected[i])];
    if (Object.is(a, b) || a === b) {
      if (Number.isFinite(b)) size += b * b;
      continue;
    }
    difference += (a - b) ** 2;
    size += b * b;
  }
  if (difference === 0) return 0;
  const distance = Math.sqrt(difference / size);
  return Number.isFinite(distance) ? distance : Number.POSITIVE_INFINITY;
}

/** Of two vectors; 1 for two of zeros. */
export function cosine(a: ArrayLike<number>, b: ArrayLike<number>): number {
  let [product, ofA, ofB] = [0, 0, 0];
  for (let i = 0; i < b.length; i++) {
    const [left, right] = [Number(a[i]), Number(b[i])];
    product += left * right;
    ofA += left * left;
    ofB += right * right;
  }
  return ofA === 0 && ofB === 0 ? 1 : product / Math.sqrt(ofA * ofB);
}
