import { sizeOf } from '@peft/core';
import { CudaError } from '../cudaError.ts';
import type { Operand } from '../plan/operand.ts';
import { mostPlaces } from './mostPlaces.ts';

/** @throws CudaError `cuda/size` for operands of 2^31 numbers or more, which the kernel cannot count */
export function requirePlaces(operands: readonly Operand[]): void {
  const odd = operands.find(({ shape }) => sizeOf(shape) >= mostPlaces);
  if (!odd) return;
  throw new CudaError(
    'cuda/size',
    `${odd.region.label}: [${odd.shape}] has 2^31 numbers or more, and this operation counts fewer; split the tensor.`,
  );
}
