import { sizeOf } from '@peft/core';
import type { TensorType, TypedArray } from '@peft/graph';

/** A new array off the heap of JavaScript, so that its address stays. */
export function arrayFor({ shape, dtype }: TensorType): TypedArray {
  const size = sizeOf(shape);
  if (dtype === 'bool') return new Uint8Array(new ArrayBuffer(size));
  const buffer = new ArrayBuffer(size * 4);
  return dtype === 'float32' ? new Float32Array(buffer) : new Int32Array(buffer);
}
