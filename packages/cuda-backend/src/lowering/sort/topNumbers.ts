import { sizeOf } from '@peft/core';
import { i32, i64, reads, u32, writes } from '../../plan/command.ts';
import type { Operand } from '../../plan/operand.ts';
import { storageTags } from '../../plan/storage.ts';
import type { Emitter } from '../emitter.ts';
import { requirePlaces } from '../requirePlaces.ts';
import { sortThreads, sortTile } from './sortTile.ts';

export interface TopCall {
  readonly from: Operand;
  /** [..., k] of the largest numbers of every row, and of their places. */
  readonly values: Operand;
  readonly places: Operand;
}

const threads = 256;

/** Finds the largest k numbers of every row, descending; equal ones in the order of their places, NaN before all. */
export function topNumbers(emit: Emitter, { from, values, places }: TopCall): void {
  requirePlaces([from]);
  if (sizeOf(values.shape) === 0) return;
  const [length, k] = [from.shape.at(-1) as number, values.shape.at(-1) as number];
  const rows = sizeOf(from.shape) / length;
  const { size, tiles } = sortTile(length);
  const [fromTag, valuesTag] = [i32(storageTags[from.storage]), i32(storageTags[values.storage])];
  if (tiles === 1) {
    emit.kernel({
      kernel: { file: 'sort', name: 'topRows' },
      blocks: rows,
      threads: sortThreads(size),
      sharedBytes: size * 8,
      arguments: [reads(from), writes(values), writes(places), u32(length), u32(k), u32(size), fromTag, valuesTag],
    });
    return;
  }
  // A number among the first k is among the first k of its tile.
  const kept = Math.min(k, size);
  const keys = emit.scratch([rows, tiles, kept, 2], 'i32');
  emit.kernel({
    kernel: { file: 'sort', name: 'topTiles' },
    blocks: rows * tiles,
    threads: sortThreads(size),
    sharedBytes: size * 8,
    arguments: [reads(from), writes(keys), u32(length), u32(tiles), u32(size), u32(kept), fromTag],
  });
  const count = rows * tiles * kept;
  emit.kernel({
    kernel: { file: 'sort', name: 'topMerge' },
    blocks: Math.ceil(count / threads),
    threads,
    arguments: [
      reads(keys),
      reads(from),
      writes(values),
      writes(places),
      i64(count),
      u32(length),
      u32(k),
      u32(tiles),
      u32(kept),
      fromTag,
      valuesTag,
    ],
  });
}
