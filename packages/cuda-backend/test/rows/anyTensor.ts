import { sizeOf } from '@peft/core';
import type { DType, HostTensor } from '@peft/graph';
import { fold, uniforms } from '@peft/ops';

export interface AnyTensor {
  readonly dtype: DType;
  readonly seed: number;
  /** Floats are drawn from 'least' to 'most'; -2 to 2 without them. Integers too, whole. */
  readonly least?: number;
  readonly most?: number;
}

/** A tensor of drawn numbers of any dtype. */
export function anyTensor(shape: readonly number[], { dtype, seed, least = -2, most = 2 }: AnyTensor): HostTensor {
  const size = sizeOf(shape);
  const drawn = Float64Array.from(uniforms(fold(seed, 'any'), size), (u) => least + (most - least) * u);
  if (dtype === 'bool') return { shape, dtype, data: drawn.map((x) => Number(x > (least + most) / 2)) };
  return { shape, dtype, data: dtype === 'int32' ? drawn.map(Math.floor) : drawn };
}
