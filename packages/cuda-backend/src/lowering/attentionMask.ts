import { type Argument, i32, i64, nothing, reads, u32 } from '../plan/command.ts';
import type { Operand } from '../plan/operand.ts';
import { storageTags } from '../plan/storage.ts';

interface Axis {
  readonly size: number;
  readonly stride: number;
}

/** The fields of `Mask` in kernels/attentionMask.cuh, for scores [..., queries, keys]. */
export function maskArguments(mask: Operand | undefined, scores: readonly number[]): readonly Argument[] {
  const axes = mask ? axesOf(mask.shape, scores) : scores.map((size) => ({ size, stride: 0 }));
  const [queries, keys] = axes.slice(-2) as [Axis, Axis];
  // tfjs has at most six axes, and the last two are the scores' own.
  const batch = axes.slice(0, -2);
  const four = [...Array.from({ length: 4 - batch.length }, () => ({ size: 1, stride: 0 })), ...batch];
  return [
    mask ? reads(mask) : nothing,
    ...four.map(({ stride }) => i64(stride)),
    i64(queries.stride),
    i64(keys.stride),
    ...four.slice(1).map(({ size }) => u32(size)),
    i32(storageTags[mask?.storage ?? 'f32']),
  ];
}

/** Sizes of `to`, and the steps by which a tensor of shape `from` is read as if it were as large. */
function axesOf(from: readonly number[], to: readonly number[]): readonly Axis[] {
  const missing = to.length - from.length;
  const axes: Axis[] = [];
  let step = 1;
  for (const [axis, size] of [...to.entries()].reverse()) {
    const own = from[axis - missing] ?? 1;
    axes.unshift({ size, stride: own === 1 ? 0 : step });
    step *= own;
  }
  return axes;
}
