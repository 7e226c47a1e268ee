import { sizeOf } from '@peft/core';
import { i32, reads, u32, writes } from '../../plan/command.ts';
import type { Operand } from '../../plan/operand.ts';
import { division } from '../division.ts';
import type { Emitter } from '../emitter.ts';
import { unitOf } from '../layout/unit.ts';
import { requirePlaces } from '../requirePlaces.ts';
import { streamBlocks } from '../streamBlocks.ts';
import { missingPattern } from './missingPattern.ts';

export interface GatherCall {
  readonly from: Operand;
  readonly ids: Operand;
  readonly to: Operand;
  readonly axis: number;
  /** Leading axes that `from` and `ids` share. */
  readonly batchDims: number;
}

const threads = 256;

/** Looks rows up by one axis of ids. */
export function gatherRows(emit: Emitter, { from, ids, to, axis, batchDims }: GatherCall): void {
  requirePlaces([to]);
  const total = sizeOf(to.shape);
  if (total === 0) return;
  const inner = sizeOf(from.shape.slice(axis + 1));
  const unit = unitOf(from, to, [inner]);
  const units = total / unit.numbers;
  emit.kernel({
    kernel: { file: 'lookup', name: 'gather' },
    blocks: streamBlocks(emit.device, { places: units, threads, perThread: 4 }),
    threads,
    arguments: [
      reads(from),
      reads(ids),
      writes(to),
      ...division(inner / unit.numbers),
      ...division(sizeOf(ids.shape.slice(batchDims))),
      ...division(sizeOf(from.shape.slice(batchDims, axis))),
      u32(units),
      u32(from.shape[axis] as number),
      i32(unit.tag),
      u32(missingPattern(to)),
    ],
  });
}
