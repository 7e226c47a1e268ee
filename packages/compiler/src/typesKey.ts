import type { TensorType } from '@peft/graph';

/** Tells sets of tensors apart by their paths, in their order, with dtypes and shapes. */
export function typesKey(types: ReadonlyMap<string, TensorType>): string {
  return [...types].map(([path, { shape, dtype }]) => `${path}:${dtype}[${shape}]`).join(' ');
}
