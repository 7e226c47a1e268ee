import { sizeOf } from '@peft/core';
import { i32, i64, reads, u32, writes } from '../../plan/command.ts';
import type { Operand } from '../../plan/operand.ts';
import { storageTags } from '../../plan/storage.ts';
import type { Emitter } from '../emitter.ts';
import { requirePlaces } from '../requirePlaces.ts';

export interface RunningSumCall {
  readonly from: Operand;
  readonly to: Operand;
  readonly axis: number;
  readonly exclusive: boolean;
  readonly reverse: boolean;
}

const threads = 256;
/** Enough columns side by side for a thread each; fewer are given a block each. */
const manyColumns = 4096;

/** Sums all numbers up to each along one axis. */
export function runningSum(emit: Emitter, { from, to, axis, exclusive, reverse }: RunningSumCall): void {
  requirePlaces([from]);
  const total = sizeOf(from.shape);
  if (total === 0) return;
  const length = from.shape[axis] as number;
  const inner = sizeOf(from.shape.slice(axis + 1));
  const columns = total / length;
  const isSideBySide = inner > 1 && (columns >= manyColumns || length <= 32);
  emit.kernel({
    kernel: { file: 'scan', name: isSideBySide ? 'scanColumns' : 'scanRows' },
    blocks: isSideBySide ? Math.ceil(columns / threads) : columns,
    threads,
    arguments: [
      reads(from),
      writes(to),
      i64(length),
      u32(columns),
      u32(inner),
      i32(Number(exclusive)),
      i32(Number(reverse)),
      i32(storageTags[from.storage]),
      i32(storageTags[to.storage]),
    ],
  });
}
