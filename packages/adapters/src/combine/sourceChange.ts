import {
  combinedFactors,
  fromTensor,
  sizeOf,
  type Target,
  type TrainedAdapter,
  toFloat32,
  type Weights,
} from '@peft/core';
import { gram } from './gram.ts';
import { columnNorms, type Matrix, matrix, norm, product, selectedColumns, transposed } from './matrix.ts';
import { requireFinite } from './requireFinite.ts';
import { toFactorLayout } from './weightLayout.ts';

/** An adapter that takes part, and the merged weights by which one that is not additive is known. */
export type Source = {
  readonly adapter: TrainedAdapter;
  readonly weight: number;
  readonly merged?: Weights | undefined;
};

/** What one adapter does to one weight, finished links included, in the layout of the product of its kind's factors. */
export type SourceChange = {
  readonly weight: number;
  /** a [in, R], b [R, out] without the components that are 0; absent where the adapter is not additive. */
  readonly pair?: { readonly a: Matrix; readonly b: Matrix };
  /** The whole change [in, out]. */
  delta(): Matrix;
  /** Frobenius norm of what the change was computed from: float32 rounding is a part of it. */
  readonly size: number;
};

/**
 * The change of a target by an adapter; undefined where there is none.
 * @throws PeftError `combine/not-finite`
 */
export async function sourceChange(source: Source, target: Target, base: Weights): Promise<SourceChange | undefined> {
  const { adapter, weight, merged } = source;
  if (!adapter.targets.some(({ path }) => path === target.path)) return undefined;
  if (merged) {
    const before = await ownBase(adapter, target, base);
    const after = toFloat32(merged.get(`${target.path}.weight`));
    const whole = toFactorLayout(
      target,
      before.map((value, at) => (after[at] as number) - value),
    );
    requireFinite(whole.values, adapter, target.path);
    return { weight, delta: () => whole, size: norm(before) };
  }
  const pair = await livePair(adapter, target);
  return pair && { weight, pair, delta: () => product(pair.a, pair.b), size: pairNorm(pair) };
}

/** The base's weight with the rows that the adapter trained in place, to which its change is relative. */
async function ownBase({ tokenRows }: TrainedAdapter, { path }: Target, base: Weights): Promise<Float64Array> {
  const values = Float64Array.from(toFloat32(base.get(`${path}.weight`)));
  for (const [table, { ids, heads, rows }] of Object.entries(tokenRows)) {
    if (table !== path && !heads.includes(path)) continue;
    const own = toFloat32(await fromTensor(rows));
    const width = rows.shape[1] ?? 0;
    for (const [index, id] of ids.entries()) values.set(own.subarray(index * width, (index + 1) * width), id * width);
  }
  return values;
}

async function livePair(adapter: TrainedAdapter, target: Target) {
  const tensors = combinedFactors(adapter, target);
  if (!tensors) return undefined;
  const [a, b] = [await fromTensor(tensors.a), await fromTensor(tensors.b)];
  tensors.a.dispose();
  tensors.b.dispose();
  const rank = b.shape[0] ?? 0;
  const left = matrix(sizeOf(a.shape.slice(0, -1)), rank, toFloat32(a));
  const right = matrix(rank, sizeOf(b.shape.slice(1)), toFloat32(b));
  requireFinite(left.values, adapter, target.path);
  requireFinite(right.values, adapter, target.path);
  const rightColumns = transposed(right);
  const [leftNorms, rightNorms] = [columnNorms(left), columnNorms(rightColumns)];
  const live = [...leftNorms.keys()].filter((index) => leftNorms[index] !== 0 && rightNorms[index] !== 0);
  if (live.length === 0) return undefined;
  return { a: selectedColumns(left, live), b: transposed(selectedColumns(rightColumns, live)) };
}

/** The Frobenius norm of a.b, without the product. */
function pairNorm({ a, b }: { readonly a: Matrix; readonly b: Matrix }): number {
  const right = gram(transposed(b)).values;
  return Math.sqrt(gram(a).values.reduce((sum, value, at) => sum + value * (right[at] as number), 0));
}
