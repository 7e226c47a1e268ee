import type { Operand } from '../../plan/operand.ts';

/** What becomes of the numbers that are combined; tags as in `kernels/reduction.cu`. */
export type Reduction = 'sum' | 'product' | 'largest' | 'smallest';

export const reductionTags: Readonly<Record<Reduction, number>> = { sum: 0, product: 1, largest: 2, smallest: 3 };

/** [outer, length, inner] to [outer, inner]. */
export interface ReduceCall {
  readonly from: Operand;
  readonly to: Operand;
  readonly outer: number;
  readonly length: number;
  readonly inner: number;
  readonly reduction: Reduction;
  /** What a sum is divided by in the end; 1 for none. */
  readonly divisor: number;
}
