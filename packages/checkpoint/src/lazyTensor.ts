import type { DType, HostArray } from '@peft/core';
import type { OpaqueDtype } from './safetensors/safetensorsDtype.ts';

/** A tensor whose values are read only when they are asked for. */
export interface LazyTensor {
  /** The stored dtype; a format dtype without host form (`F4`, `C64`, ...) keeps the format's name. */
  readonly dtype: DType | OpaqueDtype;
  readonly shape: readonly number[];
  /** Reads the values, anew at each call; throws `checkpoint/opaque-dtype` for a dtype without host form. */
  read(): Promise<HostArray>;
}

/** A tensor in a safetensors file. */
export interface StoredTensor extends LazyTensor {
  /** Name of the file that holds it. */
  readonly file: string;
  readonly byteLength: number;
  /** The stored bytes, little-endian; works for every dtype. */
  readBytes(): Promise<Uint8Array>;
}
