import type { Operand } from '../../plan/operand.ts';
import { bytesPerNumber } from '../../plan/storage.ts';

/** What a thread moves at a time; tags as in `kernels/unit.cuh`. */
export interface Unit {
  readonly tag: number;
  /** Neighbouring numbers that move together. */
  readonly numbers: number;
}

const tagsByBytes: Readonly<Record<number, number>> = { 1: 0, 2: 1, 4: 2, 8: 3, 16: 4 };
const narrowing = { 1: 5, 4: 6 } as const;
const widening = { 1: 7, 4: 8 } as const;

/** The largest unit for a copy of rows of neighbours: all of `counts`, in numbers, must be a multiple of it. */
export function unitOf(from: Operand, to: Operand, counts: readonly number[]): Unit {
  const fits = (numbers: number) =>
    counts.every((count) => count % numbers === 0) &&
    [from, to].every(({ offset, storage }) => offset % (numbers * bytesPerNumber(storage)) === 0);
  if (from.storage === to.storage) {
    const size = bytesPerNumber(from.storage);
    const bytes = [16, 8, 4, 2].find((each) => each >= size && fits(each / size)) ?? size;
    return { tag: tagsByBytes[bytes] as number, numbers: bytes / size };
  }
  const tags = from.storage === 'f32' ? narrowing : widening;
  return fits(4) ? { tag: tags[4], numbers: 4 } : { tag: tags[1], numbers: 1 };
}
