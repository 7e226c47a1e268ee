/** One change of a weight, and what it counts. */
export type WeightedDelta = { readonly values: Float64Array; readonly weight: number };

/** The sum of the changes, each times its weight. */
export function summedDeltas(deltas: readonly WeightedDelta[]): Float64Array {
  const sum = new Float64Array(deltas[0]?.values.length ?? 0);
  for (const { values, weight } of deltas) {
    for (let at = 0; at < sum.length; at++) sum[at] = (sum[at] as number) + weight * (values[at] as number);
  }
  return sum;
}
