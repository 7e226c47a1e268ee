/** x * Phi(x), with the normal distribution function summed to float64 accuracy. */
export function gelu(x: Float64Array): Float64Array {
  return x.map((value) => value * normalCdf(value));
}

/** Marsaglia (2004): Phi(x) = 1/2 + density(x) * (x + x^3/3 + x^5/15 + ...). */
function normalCdf(x: number): number {
  if (Math.abs(x) > 12) return x > 0 ? 1 : 0;
  let term = x;
  let sum = x;
  for (let odd = 3; Math.abs(term) > 1e-18 * Math.abs(sum); odd += 2) {
    term *= (x * x) / odd;
    sum += term;
  }
  return 0.5 + (sum * Math.exp(-0.5 * x * x)) / Math.sqrt(2 * Math.PI);
}
