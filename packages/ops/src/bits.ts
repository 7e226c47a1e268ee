import { mix } from './mix.ts';

/**
 * The random uint32 at `counter` (uint32) of the stream named by two uint32 keys.
 *
 * Wrapping multiplication, addition, xor and shifts of uint32 only, so that a graph can compute the same bits.
 */
export function bits(key0: number, key1: number, counter: number): number {
  return stream(key0, key1)(counter);
}

/** `bits` of one stream, as a function of the counter. */
export function stream(key0: number, key1: number): (counter: number) => number {
  const keys = subkeys(key0, key1);
  return (counter) => scramble(counter, keys) >>> 0;
}

export interface Subkeys {
  readonly before: number;
  readonly between: number;
}

/** What `bits` needs of its keys: mixed once a stream, so that neighbouring keys share nothing. As int32. */
export function subkeys(key0: number, key1: number): Subkeys {
  return {
    before: mix(mix(key0) ^ Math.imul(key1, 0x9e3779b1)) | 0,
    between: mix(mix(key1 ^ 0x85ebca6b) + Math.imul(key0, 0xc2b2ae35)) | 0,
  };
}

/**
 * `bits` after its key schedule, as int32: `mix` with a key at each end of the first half, and a multiplication by 513
 * spelt as shift and add, without which neighbouring counters fell too evenly (chi-square of a byte 244 for 255).
 */
export function scramble(counter: number, { before, between }: Subkeys): number {
  let x = counter ^ before;
  x = Math.imul(x ^ (x >>> 16), 0x21f0aaad);
  x ^= x >>> 15;
  x = (x + (x << 9) + between) | 0;
  x = Math.imul(x ^ (x >>> 13), 0x735a2d97);
  return x ^ (x >>> 15);
}
