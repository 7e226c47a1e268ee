import type { Storage } from '../../src/plan/storage.ts';
import { toBf16 } from '../../src/plan/toBf16.ts';

/** Numbers as they lie in memory. */
export function toBytes(numbers: ArrayLike<number>, storage: Storage): Uint8Array {
  if (storage === 'u8') return Uint8Array.from(numbers);
  const wide = storage === 'i32' ? Int32Array.from(numbers) : Float32Array.from(numbers);
  const array = storage === 'bf16' ? toBf16(wide as Float32Array) : wide;
  return new Uint8Array(array.buffer, array.byteOffset, array.byteLength);
}

/** Numbers from memory; bf16 becomes f32, which holds each of them. */
export function fromBytes(bytes: Uint8Array, storage: Storage): Float32Array | Int32Array | Uint8Array {
  if (storage === 'u8') return bytes;
  const { buffer } = Uint8Array.from(bytes);
  if (storage === 'i32') return new Int32Array(buffer);
  if (storage === 'f32') return new Float32Array(buffer);
  const bits = Uint32Array.from(new Uint16Array(buffer), (each) => each << 16);
  return new Float32Array(bits.buffer);
}

/** Numbers as they are after they were stored. */
export function asStored(numbers: ArrayLike<number>, storage: Storage): Float32Array | Int32Array | Uint8Array {
  return fromBytes(toBytes(numbers, storage), storage);
}
