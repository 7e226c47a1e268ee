import type { TensorType } from '@peft/graph';
import type { Region } from './region.ts';
import type { Storage } from './storage.ts';

/** A dense row-major tensor in the memory of the device. */
export interface Operand extends TensorType {
  readonly storage: Storage;
  readonly region: Region;
  /** Bytes from the start of the region. */
  readonly offset: number;
}

/** The same memory under another shape, or a part of it. */
export function viewOf(operand: Operand, shape: readonly number[], offset = 0): Operand {
  return { ...operand, shape, offset: operand.offset + offset };
}
