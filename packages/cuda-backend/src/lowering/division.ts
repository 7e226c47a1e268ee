import { type Argument, u32 } from '../plan/command.ts';

/** What a `Division` of `kernels/division.cuh` needs to divide numbers below 2^31 by `divisor`, 1 to 2^31 - 1. */
export function division(divisor: number): readonly Argument[] {
  const shift = 32 - Math.clz32(divisor - 1);
  const missing = BigInt(2 ** shift - divisor);
  return [u32(divisor), u32(Number((missing << 32n) / BigInt(divisor)) + 1), u32(shift)];
}
