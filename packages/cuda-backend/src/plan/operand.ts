import { sizeOf } from '@peft/core';
import type { TensorType } from '@peft/graph';
import type { Region } from './region.ts';
import { bytesPerNumber, type Storage } from './storage.ts';

/** A row-major tensor in the memory of the device, dense but where it has a row stride. */
export interface Operand extends TensorType {
  readonly storage: Storage;
  readonly region: Region;
  /** Bytes from the start of the region. */
  readonly offset: number;
  /** Of a matrix that is part of a wider one: numbers from one row to the next. Only products take such operands. */
  readonly rowStride?: number;
}

/** The same memory under another shape, or a part of it. */
export function viewOf(operand: Operand, shape: readonly number[], offset = 0): Operand {
  return { ...operand, shape, offset: operand.offset + offset };
}

/** Some columns of a matrix. */
export function columnsOf(operand: Operand, first: number, count: number): Operand {
  const { shape, storage, offset } = operand;
  const [rows, width] = shape as readonly [number, number];
  const rowStride = operand.rowStride ?? width;
  return { ...operand, shape: [rows, count], rowStride, offset: offset + first * bytesPerNumber(storage) };
}

/** Bytes from the first number of an operand to the end of its last. */
export function spanOf({ shape, storage, rowStride }: Pick<Operand, 'shape' | 'storage' | 'rowStride'>): number {
  const [rows, columns] = shape as readonly [number, number];
  const numbers = rowStride === undefined ? sizeOf(shape) : (rows - 1) * rowStride + columns;
  return numbers * bytesPerNumber(storage);
}
