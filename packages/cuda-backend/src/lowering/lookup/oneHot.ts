import { sizeOf } from '@peft/core';
import { i32, reads, u32, writes } from '../../plan/command.ts';
import type { Operand } from '../../plan/operand.ts';
import { bytesPerNumber } from '../../plan/storage.ts';
import { division } from '../division.ts';
import type { Emitter } from '../emitter.ts';
import { storedPattern } from '../layout/storedPattern.ts';
import { requirePlaces } from '../requirePlaces.ts';
import { streamBlocks } from '../streamBlocks.ts';

export interface OneHotCall {
  readonly ids: Operand;
  /** [..., depth]. */
  readonly to: Operand;
  readonly onValue: number;
  readonly offValue: number;
}

const threads = 256;

/** Writes one number at the place of each id and another at all other places. */
export function oneHot(emit: Emitter, { ids, to, onValue, offValue }: OneHotCall): void {
  requirePlaces([to]);
  const count = sizeOf(to.shape);
  if (count === 0) return;
  emit.kernel({
    kernel: { file: 'lookup', name: 'oneHot' },
    blocks: streamBlocks(emit.device, { places: count, threads, perThread: 4 }),
    threads,
    arguments: [
      reads(ids),
      writes(to),
      ...division(to.shape.at(-1) as number),
      u32(count),
      u32(storedPattern(onValue, to.storage)),
      u32(storedPattern(offValue, to.storage)),
      i32(bytesPerNumber(to.storage)),
    ],
  });
}
