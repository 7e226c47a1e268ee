import { sizeOf } from '@peft/core';
import { i32, reads, u32, updates, writes } from '../../plan/command.ts';
import type { Operand } from '../../plan/operand.ts';
import { storageTags } from '../../plan/storage.ts';
import { division } from '../division.ts';
import type { Emitter } from '../emitter.ts';
import { requirePlaces } from '../requirePlaces.ts';
import { sortThreads, sortTile } from '../sort/sortTile.ts';
import { tuplePlaces } from './tuplePlaces.ts';

export interface ScatterCall {
  /** Tuples of ids, one for each row of `rows`. */
  readonly ids: Operand;
  readonly rows: Operand;
  readonly to: Operand;
  /** How many of the leading axes of `to` a tuple names. */
  readonly depth: number;
}

const threads = 256;
/** Keys that one thread adds up, as in `kernels/lookup.cu`. */
const chunk = 32;

/** Adds rows up at the places that ids name, in the order of the ids; a tuple that leaves the tensor adds nothing. */
export function scatterRows(emit: Emitter, { ids, rows, to, depth }: ScatterCall): void {
  requirePlaces([rows, to]);
  if (sizeOf(to.shape) === 0) return;
  emit.clear(to);
  const leading = to.shape.slice(0, depth);
  const inner = sizeOf(to.shape.slice(depth));
  const count = sizeOf(rows.shape) / inner;
  if (count === 0) return;
  const keys = sortedKeys(emit, { ids, leading, count });
  const chunks = Math.ceil(count / chunk);
  const partial = emit.scratch([chunks, 2, inner], rows.dtype === 'float32' ? 'f32' : 'i32');
  const launch = (name: string, access: typeof reads) =>
    emit.kernel({
      kernel: { file: 'lookup', name },
      blocks: Math.ceil((chunks * inner) / threads),
      threads,
      arguments: [
        reads(keys),
        reads(rows),
        updates(to),
        access(partial),
        ...division(inner),
        u32(count),
        i32(storageTags[rows.storage]),
        i32(storageTags[to.storage]),
      ],
    });
  launch('scatterSum', writes);
  if (chunks > 1) launch('scatterJoin', reads);
}

interface Keys {
  readonly ids: Operand;
  readonly leading: readonly number[];
  readonly count: number;
}

/** Places and positions as keys in order, two words each. */
function sortedKeys(emit: Emitter, { ids, leading, count }: Keys): Operand {
  const { size, tiles } = sortTile(count);
  const keys = emit.scratch([tiles * size, 2], 'i32');
  emit.kernel({
    kernel: { file: 'lookup', name: 'scatterSort' },
    blocks: tiles,
    threads: sortThreads(size),
    sharedBytes: size * 8,
    arguments: [reads(ids), writes(keys), ...tuplePlaces(leading), u32(count), u32(size)],
  });
  if (tiles === 1) return keys;
  const merged = emit.scratch([count, 2], 'i32');
  emit.kernel({
    kernel: { file: 'lookup', name: 'scatterMerge' },
    blocks: Math.ceil((tiles * size) / threads),
    threads,
    arguments: [reads(keys), writes(merged), u32(tiles), u32(size), u32(count)],
  });
  return merged;
}
