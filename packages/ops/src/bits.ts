import { mix } from './mix.ts';

/**
 * The random 32-bit integer at `counter` (uint32) of the stream named by two uint32 keys.
 *
 * Only uint32 wrapping multiplication, addition, xor and shifts, so that a graph can compute the same bits; what
 * depends on the keys alone is hoisted by `stream`, which leaves two multiplications an element.
 */
export function bits(key0: number, key1: number, counter: number): number {
  return stream(key0, key1)(counter);
}

/** `bits` of one stream as a function of the counter. */
export function stream(key0: number, key1: number): (counter: number) => number {
  const before = mix(mix(key0) ^ Math.imul(key1, 0x9e3779b1));
  const between = mix(mix(key1 ^ 0x85ebca6b) + Math.imul(key0, 0xc2b2ae35));
  return (counter) => {
    let x = (counter ^ before) >>> 0;
    x = Math.imul(x ^ (x >>> 16), 0x21f0aaad);
    x = Math.imul(x ^ (x >>> 15) ^ between, 0x735a2d97);
    return (x ^ (x >>> 15)) >>> 0;
  };
}
