import { f32, i32, i64, reads, u32, writes } from '../../plan/command.ts';
import { bytesPerNumber, storageTags } from '../../plan/storage.ts';
import type { Emitter } from '../emitter.ts';
import { powerOfTwo } from '../powerOfTwo.ts';
import { type ReduceCall, reductionTags } from './reduction.ts';

const threads = 256;
/** Rows that a thread adds up at least, where columns are split into parts. */
const leastRows = 8;

interface Tiling {
  /** Neighbouring columns of a thread. */
  readonly width: number;
  /** Threads side by side, and below one another. */
  readonly across: number;
  readonly down: number;
  readonly tiles: number;
  readonly parts: number;
}

/** Reduces columns [outer, length, inner]; tall ones in parts that are then reduced. */
export function reduceColumns(emit: Emitter, call: ReduceCall): void {
  const { from, outer, inner } = call;
  const tiling = tilingOf(emit, call);
  if (tiling.parts > 1) {
    const { parts } = tiling;
    const scratch = emit.scratch([outer, parts, inner], from.dtype === 'float32' ? 'f32' : 'i32');
    emitColumns(emit, { ...call, to: scratch, divisor: 1 }, tiling);
    const rest = { ...call, from: scratch, length: parts };
    emitColumns(emit, rest, { ...tilingOf(emit, rest), parts: 1 });
  } else emitColumns(emit, call, tiling);
}

function tilingOf({ device }: Emitter, { from, outer, length, inner, reduction }: ReduceCall): Tiling {
  const isWide = reduction === 'sum' && from.dtype === 'float32' && inner % 4 === 0;
  const width = isWide && from.offset % (4 * bytesPerNumber(from.storage)) === 0 ? 4 : 1;
  const rows = Math.min(powerOfTwo(Math.ceil(length / 4)), 8);
  const across = Math.min(powerOfTwo(Math.ceil(inner / width)), threads / rows);
  const down = threads / across;
  const tiles = Math.ceil(inner / (across * width));
  const wanted = Math.floor((4 * device.multiprocessors) / (outer * tiles));
  const parts = Math.max(Math.min(wanted, Math.floor(length / (down * leastRows))), 1);
  return { width, across, down, tiles, parts };
}

function emitColumns(
  emit: Emitter,
  { from, to, outer, length, inner, reduction, divisor }: ReduceCall,
  { width, across, tiles, parts }: Tiling,
): void {
  emit.kernel({
    kernel: { file: 'reduction', name: 'reduceColumns' },
    blocks: outer * tiles * parts,
    threads,
    arguments: [
      reads(from),
      writes(to),
      i64(length),
      i64(inner),
      i64(Math.ceil(length / parts)),
      u32(parts),
      u32(tiles),
      i32(across),
      i32(reductionTags[reduction]),
      i32(storageTags[from.storage]),
      i32(storageTags[to.storage]),
      i32(Number(width > 1)),
      f32(divisor),
    ],
  });
}
