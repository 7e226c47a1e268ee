import type { Storage } from '../../plan/storage.ts';
import { toBf16 } from '../../plan/toBf16.ts';

/** A number as it is stored, repeated to fill four bytes. */
export function storedPattern(value: number, storage: Storage): number {
  if (storage === 'i32') return value >>> 0;
  if (storage === 'u8') return value === 0 ? 0 : 0x01010101;
  const numbers = Float32Array.of(value);
  if (storage === 'f32') return new Uint32Array(numbers.buffer)[0] as number;
  const half = toBf16(numbers)[0] as number;
  return ((half << 16) | half) >>> 0;
}
