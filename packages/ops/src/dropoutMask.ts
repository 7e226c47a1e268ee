import { scramble, subkeys } from './bits.ts';

export interface DropoutDraw {
  /** Bit patterns of uint32 keys: -1 and 4294967295 are the same. */
  readonly key0: number;
  readonly key1: number;
  readonly rate: number;
}

/** The factors, 0 or 1 / (1 - rate), that dropout multiplies the first `size` elements by. */
export function dropoutMask({ key0, key1, rate }: DropoutDraw, size: number): Float32Array {
  const keys = subkeys(key0, key1);
  const threshold = Math.ceil(rate * 0x1000000);
  const factor = new Int32Array(Float32Array.of(1 / (1 - rate)).buffer)[0] as number;
  const mask = new Int32Array(size);
  for (let index = 0; index < size; index++) {
    // All ones where the upper 24 bits reach the threshold, else zeros: a branch here would cost twice the time.
    mask[index] = factor & ((threshold - 1 - (scramble(index, keys) >>> 8)) >> 31);
  }
  return new Float32Array(mask.buffer);
}
