import { sizeOf } from '@peft/core';
import type { HostTensor } from '@peft/graph';
import { normals } from '@peft/ops';

export interface Draw {
  readonly seed: number;
  readonly mean?: number;
  /** 'positive': sizes alone. */
  readonly kind?: 'normal' | 'positive';
}

/** A float32 tensor of normal numbers. */
export function drawnTensor(shape: readonly number[], { seed, mean = 0, kind = 'normal' }: Draw): HostTensor {
  const size = sizeOf(shape);
  const data = normals(seed, size).map((value) => (kind === 'positive' ? Math.abs(value) : value) + mean);
  return { shape, dtype: 'float32', data };
}
