import type { StoredTensor } from '@peft/checkpoint';

type Tensors = ReadonlyMap<string, StoredTensor>;

export type DecoderNames = {
  /** What stands before the decoder's modules here, and what a file without a head calls their beginnings. */
  readonly prefix: string;
  readonly bare: RegExp;
  /** Modules of other tasks, and buffers that old versions of transformers saved. */
  readonly unread: RegExp;
};

/** A folder's tensors by the names of a decoder with a head, without what it does not read. */
export function decoderTensors(tensors: Tensors, { prefix, bare, unread }: DecoderNames): Tensors {
  const renamed = new Map<string, StoredTensor>();
  for (const [name, tensor] of tensors) {
    const path = bare.test(name) ? `${prefix}${name}` : name;
    if (unread.test(path)) continue;
    // Two tensors of one name: the second keeps its own, and is reported as one too many.
    renamed.set(path !== name && tensors.has(path) ? name : path, tensor);
  }
  return renamed;
}
