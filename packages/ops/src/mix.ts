/**
 * A bijection of 32-bit integers whose every output bit depends on every input bit: two multiplications, constants of
 * the lowest known bias for that budget (C. Wellons, hash-prospector, 2022).
 */
export function mix(value: number): number {
  let x = value >>> 0;
  x = Math.imul(x ^ (x >>> 16), 0x21f0aaad);
  x = Math.imul(x ^ (x >>> 15), 0x735a2d97);
  return (x ^ (x >>> 15)) >>> 0;
}
