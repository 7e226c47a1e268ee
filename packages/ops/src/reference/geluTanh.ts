/** GELU by its tanh approximation. */
export function geluTanh(x: Float64Array): Float64Array {
  return x.map((value) => 0.5 * value * (1 + Math.tanh(Math.sqrt(2 / Math.PI) * (value + 0.044715 * value ** 3))));
}
