import { type Argument, i32, i64, reads, u32, writes } from '../../plan/command.ts';
import type { Operand } from '../../plan/operand.ts';
import { division } from '../division.ts';
import type { Emitter } from '../emitter.ts';
import { mostPlaces } from '../mostPlaces.ts';
import { streamBlocks } from '../streamBlocks.ts';
import { type CopyAxis, mergedAxes } from './copyAxis.ts';
import { copyTurned } from './copyTurned.ts';
import { unitOf } from './unit.ts';

export interface StridedCopy {
  readonly from: Operand;
  readonly to: Operand;
  /** The fastest axis of `to` last. */
  readonly axes: readonly CopyAxis[];
  /** Numbers before the first on either side. */
  readonly fromStart?: number;
  readonly toStart?: number;
}

const mostAxes = 8;
const threads = 256;

/** Copies numbers between places that lie at steps: slices, transposes, reversals, repetitions alike. */
export function copyStrided(emit: Emitter, copy: StridedCopy): void {
  const { from, to, fromStart = 0, toStart = 0 } = copy;
  if (copy.axes.some(({ length }) => length === 0)) return;
  const axes = mergedAxes(copy.axes);
  const count = axes.reduce((product, { length }) => product * length, 1);
  if (axes.length > mostAxes || count >= mostPlaces) {
    for (const part of partsOf({ from, to, axes, fromStart, toStart })) copyStrided(emit, part);
    return;
  }
  if (copyTurned(emit, { from, to, axes, fromStart, toStart })) return;
  const last = axes.at(-1) as CopyAxis;
  const counts = [fromStart, toStart, last.length, ...axes.slice(0, -1).flatMap((axis) => [axis.from, axis.to])];
  const unit = unitOf(from, to, last.from === 1 && last.to === 1 ? counts : [1]);
  const inUnits = axes.map((axis) => ({
    length: axis === last ? axis.length / unit.numbers : axis.length,
    from: axis === last ? axis.from : axis.from / unit.numbers,
    to: axis === last ? axis.to : axis.to / unit.numbers,
  }));
  const units = count / unit.numbers;
  emit.kernel({
    kernel: { file: 'layout', name: 'copyStrided' },
    blocks: streamBlocks(emit.device, { places: units, threads, perThread: 4 }),
    threads,
    arguments: [
      reads(from),
      writes(to),
      i64(fromStart / unit.numbers),
      i64(toStart / unit.numbers),
      ...perAxis(inUnits, (axis) => [i64(axis?.from ?? 0)]),
      ...perAxis(inUnits, (axis) => [i64(axis?.to ?? 0)]),
      ...perAxis(inUnits, (axis) => division(axis?.length ?? 1)),
      i32(inUnits.length),
      u32(units),
      i32(unit.tag),
    ],
  });
}

function perAxis(
  axes: readonly CopyAxis[],
  argumentsOf: (axis: CopyAxis | undefined) => readonly Argument[],
): readonly Argument[] {
  return Array.from({ length: mostAxes }, (_, index) => argumentsOf(axes[index])).flat();
}

/** A copy of too many places as two halves, one of too many axes as one for each place of the first. */
function partsOf({ axes, fromStart, toStart, ...copy }: Required<StridedCopy>): readonly Required<StridedCopy>[] {
  const [first, ...rest] = axes as readonly [CopyAxis, ...CopyAxis[]];
  const part = (start: number, length: number) => ({
    ...copy,
    axes: [{ ...first, length }, ...rest],
    fromStart: fromStart + start * first.from,
    toStart: toStart + start * first.to,
  });
  if (axes.length > mostAxes) return Array.from({ length: first.length }, (_, place) => part(place, 1));
  const half = Math.ceil(first.length / 2);
  return [part(0, half), part(half, first.length - half)];
}
