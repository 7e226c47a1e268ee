import { type Argument, i32, i64, reads, u32, writes } from '../../plan/command.ts';
import type { Operand } from '../../plan/operand.ts';
import { division } from '../division.ts';
import type { Emitter } from '../emitter.ts';
import { requirePlaces } from '../requirePlaces.ts';
import { streamBlocks } from '../streamBlocks.ts';
import { denseSteps } from './denseSteps.ts';
import { storedPattern } from './storedPattern.ts';
import { unitOf } from './unit.ts';

export interface Padding {
  readonly from: Operand;
  readonly to: Operand;
  /** Places before and after, by axis. */
  readonly paddings: readonly (readonly [number, number])[];
  readonly value: number;
}

/** An axis of the result: `from` is read at places low to high - 1. */
interface PaddedAxis {
  readonly length: number;
  readonly low: number;
  readonly high: number;
  readonly step: number;
}

const mostAxes = 8;
const threads = 256;

/** Copies a tensor into a larger one that holds one number everywhere else. */
export function padTensor(emit: Emitter, { from, to, paddings, value }: Padding): void {
  requirePlaces([to]);
  const steps = denseSteps(from.shape);
  const axes = mergedAxes(
    to.shape.map((length, axis) => {
      const [low] = paddings[axis] as readonly [number, number];
      return { length, low, high: low + (from.shape[axis] as number), step: steps[axis] as number };
    }),
  );
  const count = axes.reduce((product, { length }) => product * length, 1);
  if (count === 0) return;
  const last = axes.at(-1) as PaddedAxis;
  const unit = unitOf(from, to, [last.length, last.low, last.high, ...axes.slice(0, -1).map(({ step }) => step)]);
  const inUnits = axes.map((axis) => {
    const { length, low, high, step } = axis;
    const by = unit.numbers;
    return axis === last ? { length: length / by, low: low / by, high: high / by, step } : { ...axis, step: step / by };
  });
  const perAxis = (argumentsOf: (axis: PaddedAxis | undefined) => readonly Argument[]) =>
    Array.from({ length: mostAxes }, (_, index) => argumentsOf(inUnits[index])).flat();
  const units = count / unit.numbers;
  emit.kernel({
    kernel: { file: 'layout', name: 'pad' },
    blocks: streamBlocks(emit.device, { places: units, threads, perThread: 4 }),
    threads,
    arguments: [
      reads(from),
      writes(to),
      ...perAxis((axis) => [i64(axis?.step ?? 0)]),
      ...perAxis((axis) => division(axis?.length ?? 1)),
      ...perAxis((axis) => [u32(axis?.low ?? 0)]),
      ...perAxis((axis) => [u32(axis?.high ?? 0)]),
      i32(inUnits.length),
      u32(units),
      i32(unit.tag),
      u32(storedPattern(value, to.storage)),
    ],
  });
}

/** Neighbours that step as one are one axis, where the inner one has no border of its own. */
function mergedAxes(axes: readonly PaddedAxis[]): readonly PaddedAxis[] {
  const merged: PaddedAxis[] = [];
  for (const axis of axes) {
    const { length, low, high, step } = axis;
    const isWhole = low === 0 && high === length;
    if (isWhole && length === 1) continue;
    const outer = merged.at(-1);
    if (outer?.step === step * length) {
      const [lowest, highest] = [outer.low * length, outer.high * length];
      merged[merged.length - 1] = { length: outer.length * length, low: lowest, high: highest, step };
    } else merged.push(axis);
  }
  return merged.length > 0 ? merged : [{ length: 1, low: 0, high: 1, step: 1 }];
}
