import { type Argument, i32, i64, reads, u32, writes } from '../../plan/command.ts';
import { division } from '../division.ts';
import type { Emitter } from '../emitter.ts';
import type { CopyAxis } from './copyAxis.ts';
import type { StridedCopy } from './copyStrided.ts';
import { unitOf } from './unit.ts';

const side = 64;
const mostLeading = 6;
/** Below this a side of a tile is mostly empty. */
const leastLength = 8;

/** Does a copy whose fastest axes differ by tiles through shared memory; false where it is no such copy. */
export function copyTurned(emit: Emitter, { from, to, axes, fromStart, toStart }: Required<StridedCopy>): boolean {
  const last = axes.at(-1) as CopyAxis;
  const near = axes.find((axis) => axis.from === 1);
  if (last.to !== 1 || last.from === 0 || !near || near === last) return false;
  if (Math.min(near.length, last.length) < leastLength) return false;
  const leading = axes.filter((axis) => axis !== last && axis !== near);
  const tilesDown = Math.ceil(last.length / side);
  const tilesAcross = Math.ceil(near.length / side);
  emit.kernel({
    kernel: { file: 'layout', name: 'transpose' },
    blocks: leading.reduce((blocks, { length }) => blocks * length, tilesDown * tilesAcross),
    threads: 256,
    arguments: [
      reads(from),
      writes(to),
      i64(fromStart),
      i64(toStart),
      ...perLeading(leading, (axis) => [i64(axis?.from ?? 0)]),
      ...perLeading(leading, (axis) => [i64(axis?.to ?? 0)]),
      i64(last.from),
      i64(near.to),
      ...perLeading(leading, (axis) => division(axis?.length ?? 1)),
      ...division(tilesDown),
      ...division(tilesAcross),
      i32(leading.length),
      u32(last.length),
      u32(near.length),
      i32(unitOf(from, to, [1]).tag),
    ],
  });
  return true;
}

function perLeading(
  axes: readonly CopyAxis[],
  argumentsOf: (axis: CopyAxis | undefined) => readonly Argument[],
): readonly Argument[] {
  return Array.from({ length: mostLeading }, (_, index) => argumentsOf(axes[index])).flat();
}
