import { sizeOf } from '@peft/core';
import type { Operand } from '../../plan/operand.ts';
import type { Emitter } from '../emitter.ts';
import { requirePlaces } from '../requirePlaces.ts';
import { reduceColumns } from './reduceColumns.ts';
import { reduceRows } from './reduceRows.ts';
import type { Reduction } from './reduction.ts';

export interface ReduceAxesCall {
  readonly from: Operand;
  readonly to: Operand;
  readonly axes: readonly number[];
  readonly reduction: Reduction;
  readonly divisor: number;
}

/** Neighbouring axes that are all reduced, or all kept. */
interface Group {
  readonly length: number;
  readonly isReduced: boolean;
}

/** Reduces any axes: the last reduced group first, so that what is left is small. */
export function reduceAxes(emit: Emitter, { from, to, axes, reduction, divisor }: ReduceAxesCall): void {
  if (sizeOf(to.shape) === 0) return;
  requirePlaces([to]);
  const groups = groupsOf(from.shape, axes);
  const place = groups.findLastIndex(({ isReduced }) => isReduced);
  const [before, after] = [groups.slice(0, Math.max(place, 0)), groups.slice(place + 1)];
  const lengths = (some: readonly Group[]) => some.map(({ length }) => length);
  const shape = [...lengths(before), ...lengths(after)];
  const isLast = !before.some(({ isReduced }) => isReduced);
  const result = isLast ? to : emit.scratch(shape, from.dtype === 'float32' ? 'f32' : 'i32');
  const outer = sizeOf(lengths(before));
  const inner = sizeOf(lengths(after));
  const reduce = inner === 1 ? reduceRows : reduceColumns;
  const length = groups[place]?.length ?? 1;
  reduce(emit, { from, to: result, outer, length, inner, reduction, divisor: isLast ? divisor : 1 });
  if (isLast) return;
  const rest = before.flatMap(({ isReduced }, axis) => (isReduced ? [axis] : []));
  reduceAxes(emit, { from: result, to, axes: rest, reduction, divisor });
}

function groupsOf(shape: readonly number[], axes: readonly number[]): readonly Group[] {
  const groups: Group[] = [];
  for (const [axis, length] of shape.entries()) {
    if (length === 1) continue;
    const isReduced = axes.includes(axis);
    const last = groups.at(-1);
    if (last?.isReduced === isReduced) groups[groups.length - 1] = { length: last.length * length, isReduced };
    else groups.push({ length, isReduced });
  }
  return groups;
}
