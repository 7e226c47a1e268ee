import { f32, i32, i64, reads, u32, writes } from '../../plan/command.ts';
import { storageTags } from '../../plan/storage.ts';
import type { Emitter } from '../emitter.ts';
import { powerOfTwo } from '../powerOfTwo.ts';
import { type ReduceCall, reductionTags } from './reduction.ts';

const threads = 256;
/** Numbers of a part of a row, where rows are too few to keep the device busy. */
const leastPart = 4096;
/** Accesses that a thread should have to make before a row is given more threads. */
const accessesPerThread = 4;

/** Reduces rows [outer, length]: a few threads, a warp or a block a row; few long rows in parts that are then reduced. */
export function reduceRows(emit: Emitter, { from, to, outer, length, reduction, divisor }: ReduceCall): void {
  const parts = partsOf(emit, outer, length);
  if (parts > 1) {
    const scratch = emit.scratch([outer, parts], from.dtype === 'float32' ? 'f32' : 'i32');
    emitRows(emit, { from, to: scratch, outer, length, parts, reduction, divisor: 1 });
    emitRows(emit, { from: scratch, to, outer, length: parts, parts: 1, reduction, divisor });
  } else emitRows(emit, { from, to, outer, length, parts, reduction, divisor });
}

function partsOf({ device }: Emitter, rows: number, length: number): number {
  const wanted = Math.ceil((2 * device.multiprocessors) / rows);
  return rows >= device.multiprocessors ? 1 : Math.max(Math.min(wanted, Math.floor(length / leastPart)), 1);
}

interface RowsCall extends Omit<ReduceCall, 'inner'> {
  readonly parts: number;
}

function emitRows(emit: Emitter, { from, to, outer, length, parts, reduction, divisor }: RowsCall): void {
  const isWide = reduction === 'sum' && from.dtype === 'float32';
  const perAccess = isWide ? 4 : 1;
  // Parts begin at full accesses.
  const partLength = Math.ceil(length / parts / perAccess) * perAccess;
  const wanted = powerOfTwo(Math.ceil(partLength / (perAccess * accessesPerThread)));
  const lanes = wanted > 64 ? threads : Math.min(wanted, 32);
  emit.kernel({
    kernel: { file: 'reduction', name: 'reduceRows' },
    blocks: Math.ceil((outer * parts * lanes) / threads),
    threads,
    arguments: [
      reads(from),
      writes(to),
      i64(length),
      i64(partLength),
      u32(outer),
      u32(parts),
      i32(lanes),
      i32(reductionTags[reduction]),
      i32(storageTags[from.storage]),
      i32(storageTags[to.storage]),
      i32(Number(isWide)),
      f32(divisor),
    ],
  });
}
