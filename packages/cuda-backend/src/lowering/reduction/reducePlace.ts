import { sizeOf } from '@peft/core';
import { i32, reads, u32, writes } from '../../plan/command.ts';
import type { Operand } from '../../plan/operand.ts';
import { storageTags } from '../../plan/storage.ts';
import type { Emitter } from '../emitter.ts';
import { powerOfTwo } from '../powerOfTwo.ts';
import { requirePlaces } from '../requirePlaces.ts';

export interface PlaceCall {
  readonly from: Operand;
  readonly to: Operand;
  readonly axis: number;
  readonly isSmallest: boolean;
}

const threads = 256;

/** Finds the first place of the largest or smallest number along an axis. */
export function reducePlace(emit: Emitter, { from, to, axis, isSmallest }: PlaceCall): void {
  const outer = sizeOf(from.shape.slice(0, axis));
  const inner = sizeOf(from.shape.slice(axis + 1));
  const length = from.shape[axis] as number;
  if (outer * inner === 0) return;
  requirePlaces([to]);
  const wanted = powerOfTwo(Math.ceil(length / 8));
  // Columns side by side are read together by the threads of several results.
  const lanes = inner >= 32 && outer * inner >= 4096 ? 1 : wanted > 64 ? threads : Math.min(wanted, 32);
  emit.kernel({
    kernel: { file: 'reduction', name: 'reducePlace' },
    blocks: Math.ceil((outer * inner * lanes) / threads),
    threads,
    arguments: [
      reads(from),
      writes(to),
      u32(outer),
      u32(inner),
      u32(length),
      i32(lanes),
      i32(Number(isSmallest)),
      i32(storageTags[from.storage]),
    ],
  });
}
