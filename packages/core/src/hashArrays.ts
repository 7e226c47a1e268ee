import type { HostArray, TypedArray } from './hostArray.ts';

/** A 64-bit hash of every name, dtype, shape and stored byte, in the order given; not a cryptographic one. */
export function hashArrays(arrays: Iterable<readonly [name: string, array: HostArray]>): string {
  let low = 0x811c9dc5;
  let high = 0x9e3779b9;
  const mix = (word: number) => {
    low = Math.imul(low ^ word, 0x01000193);
    low ^= low >>> 15;
    high = Math.imul(high ^ word, 0x85ebca6b);
    high ^= high >>> 13;
  };
  for (const [name, { dtype, shape, data }] of arrays) {
    for (const character of `${name} ${dtype} [${shape}]`) mix(character.codePointAt(0) as number);
    const { words, rest } = wordsOf(data);
    for (let i = 0; i < words.length; i++) mix(words[i] as number);
    for (const byte of rest) mix(byte);
  }
  return [high, low].map((half) => (half >>> 0).toString(16).padStart(8, '0')).join('');
}

function wordsOf({ buffer, byteOffset, byteLength }: TypedArray) {
  // A Uint32Array must begin at a multiple of four; bytes of a file may not.
  const aligned = byteOffset % 4 === 0 ? { buffer, start: byteOffset } : { buffer: buffer.slice(byteOffset), start: 0 };
  const whole = Math.floor(byteLength / 4);
  return {
    words: new Uint32Array(aligned.buffer, aligned.start, whole),
    rest: new Uint8Array(aligned.buffer, aligned.start + whole * 4, byteLength % 4),
  };
}
