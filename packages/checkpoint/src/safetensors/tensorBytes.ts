import { type HostArray, PeftError } from '@peft/core';
import type { LazyTensor } from '../lazyTensor.ts';
import { quoted } from '../problemList.ts';
import { showShape } from './tensorEntry.ts';

/** What a header says of a tensor, and so what its values must be. */
export type Announced = Pick<LazyTensor, 'dtype' | 'shape'>;

/**
 * The bytes of an array, without a copy. Throws `checkpoint/unwritable` when a lazy tensor brought another dtype or
 * shape than it announced, or when the values are not as many as the shape takes.
 */
export function tensorBytes(
  { name, tensor, byteLength }: { readonly name: string; readonly tensor: Announced; readonly byteLength: number },
  array: HostArray,
): Uint8Array {
  if (array.dtype !== tensor.dtype || `${array.shape}` !== `${tensor.shape}`) {
    throw new PeftError(
      'checkpoint/unwritable',
      `${quoted(name)} was announced as ${describe(tensor)} and read as ${describe(array)}; announce what read() returns.`,
    );
  }
  const { buffer, byteOffset, byteLength: held } = array.data;
  if (held !== byteLength) {
    throw new PeftError(
      'checkpoint/unwritable',
      `${quoted(name)} holds ${held} bytes of values, and ${describe(array)} takes ${byteLength}; pass the shape and dtype of the data.`,
    );
  }
  return new Uint8Array(buffer, byteOffset, held);
}

function describe({ dtype, shape }: Announced): string {
  return `${dtype} of shape [${showShape(shape)}]`;
}
