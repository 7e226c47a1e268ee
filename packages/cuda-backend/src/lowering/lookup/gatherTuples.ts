import { sizeOf } from '@peft/core';
import { i32, reads, u32, writes } from '../../plan/command.ts';
import type { Operand } from '../../plan/operand.ts';
import { division } from '../division.ts';
import type { Emitter } from '../emitter.ts';
import { unitOf } from '../layout/unit.ts';
import { requirePlaces } from '../requirePlaces.ts';
import { streamBlocks } from '../streamBlocks.ts';
import { missingPattern } from './missingPattern.ts';
import { tuplePlaces } from './tuplePlaces.ts';

export interface GatherTuplesCall {
  readonly from: Operand;
  /** [..., depth]: places along the first `depth` axes. */
  readonly ids: Operand;
  readonly to: Operand;
}

const threads = 256;

/** Looks parts of a tensor up by tuples of ids. */
export function gatherTuples(emit: Emitter, { from, ids, to }: GatherTuplesCall): void {
  requirePlaces([from, to]);
  const total = sizeOf(to.shape);
  if (total === 0) return;
  const depth = ids.shape.at(-1) as number;
  const inner = sizeOf(from.shape.slice(depth));
  const unit = unitOf(from, to, [inner]);
  const units = total / unit.numbers;
  emit.kernel({
    kernel: { file: 'lookup', name: 'gatherTuples' },
    blocks: streamBlocks(emit.device, { places: units, threads, perThread: 4 }),
    threads,
    arguments: [
      reads(from),
      reads(ids),
      writes(to),
      ...tuplePlaces(from.shape.slice(0, depth)),
      ...division(inner / unit.numbers),
      u32(units),
      i32(unit.tag),
      u32(missingPattern(to)),
    ],
  });
}
