import type { HostArray } from '@peft/core';
import type { LazyTensor, StoredTensor } from '../lazyTensor.ts';
import { planSafetensors } from './planSafetensors.ts';
import { tensorBytes } from './tensorBytes.ts';

/**
 * The bytes of a safetensors file. Equal tensors and metadata give equal bytes, whatever their order, and the same
 * bytes as Python's `safetensors.torch.save`. Throws `checkpoint/unwritable` with every tensor that cannot be written.
 */
export function writeSafetensors(
  tensors: ReadonlyMap<string, HostArray>,
  metadata?: Readonly<Record<string, string>>,
): Uint8Array<ArrayBuffer> {
  const plan = planSafetensors(tensors, metadata);
  const parts = plan.tensors.map((planned) => tensorBytes(planned, planned.tensor));
  const file = new Uint8Array(plan.byteLength);
  file.set(plan.header);
  let offset = plan.header.byteLength;
  for (const part of parts) {
    file.set(part, offset);
    offset += part.byteLength;
  }
  return file;
}

/**
 * The same bytes piece by piece, header first, reading each tensor only when its turn comes: for files larger than
 * memory. Dtypes and shapes are checked before the first piece, values as they are read.
 */
export async function* safetensorsChunks(
  tensors: ReadonlyMap<string, HostArray | LazyTensor | StoredTensor>,
  metadata?: Readonly<Record<string, string>>,
): AsyncGenerator<Uint8Array> {
  const plan = planSafetensors(tensors, metadata);
  yield plan.header;
  for (const planned of plan.tensors) {
    const { tensor } = planned;
    if ('readBytes' in tensor) yield await tensor.readBytes();
    else yield tensorBytes(planned, 'read' in tensor ? await tensor.read() : tensor);
  }
}
