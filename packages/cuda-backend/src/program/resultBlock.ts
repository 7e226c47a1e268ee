import { type HostArray, sizeOf } from '@peft/core';
import type { Plan, PlannedResult } from '../plan/plan.ts';
import type { Region } from '../plan/region.ts';
import { blockLayout } from './blockLayout.ts';

/** Bytes from one metric to the next, and from the flag to the first. */
const metricStride = 16;

/** Where in one block lie the flag that says whether the state was replaced, the metrics, and the outputs. */
export interface ResultBlock {
  readonly bytes: number;
  readonly offsets: ReadonlyMap<Region, number>;
  /** Regions of float metrics, one after another behind the flag. */
  readonly floatMetrics: number;
  readonly metrics: readonly PlacedResult[];
  readonly outputs: readonly PlacedResult[];
}

export interface PlacedResult extends Pick<PlannedResult, 'path' | 'shape' | 'dtype'> {
  readonly offset: number;
  readonly count: number;
}

/** What a run reads back: its metrics as numbers, its outputs as arrays of their own. */
export interface ResultViews {
  readonly flag: Int32Array;
  readonly metrics: readonly (Float32Array | Int32Array | Uint8Array)[];
}

export function resultBlock({ results }: Pick<Plan, 'results'>): ResultBlock {
  const metrics = results.filter(({ kind }) => kind === 'metric');
  const outputs = results.filter(({ kind }) => kind === 'output');
  const regionsOf = (some: readonly PlannedResult[]) => new Set(some.map(({ operand }) => operand.region));
  const floats = regionsOf(metrics.filter(({ dtype }) => dtype === 'float32'));
  const small = new Set([...floats, ...regionsOf(metrics)]);
  const large = new Set([...regionsOf(outputs)].filter((region) => !small.has(region)));
  const first = metricStride * (1 + small.size);
  const begin = Math.ceil(first / 256) * 256;
  const { bytes, offsets } = blockLayout(large, { bytesOf: (region) => region.bytes });
  const all = new Map<Region, number>([
    ...[...small].map((region, index) => [region, metricStride * (1 + index)] as const),
    ...[...offsets].map(([region, offset]) => [region, begin + offset] as const),
  ]);
  const placed = (result: PlannedResult): PlacedResult => {
    const { path, shape, dtype, operand } = result;
    const count = sizeOf(shape);
    return { path, shape, dtype, count, offset: (all.get(operand.region) as number) + operand.offset };
  };
  return {
    bytes: large.size > 0 ? begin + bytes : first,
    offsets: all,
    floatMetrics: floats.size,
    metrics: metrics.map(placed),
    outputs: outputs.map(placed),
  };
}

/** A result as it lies in a block of the host. */
export function viewOf({ dtype, count, offset }: PlacedResult, block: ArrayBuffer, begin: number) {
  if (dtype === 'float32') return new Float32Array(block, begin + offset, count);
  return dtype === 'int32'
    ? new Int32Array(block, begin + offset, count)
    : new Uint8Array(block, begin + offset, count);
}

/** An output as an array of its own. */
export function outputOf(result: PlacedResult, block: ArrayBuffer, begin: number): HostArray {
  const { shape, dtype } = result;
  return { shape, dtype, data: viewOf(result, block, begin).slice() };
}
