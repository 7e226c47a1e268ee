import { type HostArray, PeftError } from '@peft/core';
import { quoted } from '../problemList.ts';
import { showShape } from './tensorEntry.ts';

/** The bytes of an array, without a copy; throws `checkpoint/unwritable` when they are not as many as its shape takes. */
export function tensorBytes(name: string, array: HostArray, byteLength: number): Uint8Array {
  const { buffer, byteOffset, byteLength: held } = array.data;
  if (held !== byteLength) {
    throw new PeftError(
      'checkpoint/unwritable',
      `${quoted(name)} holds ${held} bytes of values, and ${array.dtype} of shape [${showShape(array.shape)}] takes ${byteLength}; pass the shape and dtype of the data.`,
    );
  }
  return new Uint8Array(buffer, byteOffset, held);
}
