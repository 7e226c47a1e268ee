import { disposeAdapter } from '@peft/core';
import * as tf from '@tensorflow/tfjs';
import fc from 'fast-check';
import { expect } from 'vitest';
import { type CombineOptions, combineAdapters } from '../../src/index.ts';
import { deltaIn } from './deltaIn.ts';
import { type Drawn, drawnAdapter, drawnKinds } from './drawnAdapter.ts';
import { manyKinds } from './manyKinds.ts';

export type WeightedDraw = Drawn & { readonly weight: number };
export type Deltas = Readonly<Record<string, Float64Array>>;

export const model = manyKinds();

export const anyAdapter = fc.record({
  kind: fc.constantFrom(...drawnKinds),
  seed: fc.integer({ min: 0, max: 1e6 }),
});

/** Adapters of any shipped strategy with weights of any sign. */
export const anyAdapters = fc.array(
  fc.record({
    kind: fc.constantFrom(...drawnKinds),
    seed: fc.integer({ min: 0, max: 1e6 }),
    weight: fc.integer({ min: -40, max: 40 }).map((tens) => tens / 10),
  }),
  { minLength: 1, maxLength: 4 },
);

type Case = Parameters<typeof drawnAdapter>[1] extends infer K
  ? { readonly kind: K; readonly seed: number; readonly weight?: number }
  : never;

/** Draws adapters, hands them over, frees them, and sees that nothing else is left alive. */
export async function withDrawn(cases: readonly Case[], use: (drawn: readonly WeightedDraw[]) => Promise<void>) {
  const held = tf.memory().numTensors - model.weights.uploads;
  const drawn: WeightedDraw[] = [];
  for (const { kind, seed, weight = 1 } of cases) drawn.push({ ...(await drawnAdapter(model, kind, seed)), weight });
  await use(drawn);
  for (const { adapter } of drawn) disposeAdapter(adapter);
  expect(tf.memory().numTensors - model.weights.uploads).toBe(held);
}

/** The weighted sum of the changes at a path, and the sum of the norms of its terms, to which rounding is relative. */
export function sumAt(drawn: readonly WeightedDraw[], path: string) {
  const sum = new Float64Array(sizeAt(path));
  let terms = 0;
  for (const { deltas, weight } of drawn) {
    const delta = deltas[path] ?? new Float64Array(sum.length);
    terms += Math.abs(weight) * Math.hypot(...delta);
    for (let at = 0; at < sum.length; at++) sum[at] = (sum[at] as number) + weight * (delta[at] as number);
  }
  return { sum, terms };
}

/** The changes of the combination at every target of the model. */
export async function combine(drawn: readonly WeightedDraw[], options: CombineOptions) {
  const { adapter, report } = await combineAdapters(model, drawn, options);
  const deltas: Record<string, Float64Array> = {};
  for (const { path } of model.targets) deltas[path] = deltaIn(adapter, path) ?? new Float64Array(sizeAt(path));
  disposeAdapter(adapter);
  return { deltas, report, targets: adapter.targets.map(({ path }) => path) };
}

/** Expects every target's change within the tolerance, relative to the terms of the sum. */
export function expectDeltas(
  actual: Deltas,
  expected: (path: string) => Float64Array,
  { drawn, tolerance = 1e-6 }: { readonly drawn: readonly WeightedDraw[]; readonly tolerance?: number },
): void {
  for (const { path } of model.targets) {
    const delta = actual[path] as Float64Array;
    const off = Math.hypot(...expected(path).map((value, at) => value - (delta[at] as number)));
    expect(off, path).toBeLessThanOrEqual(tolerance * sumAt(drawn, path).terms);
  }
}

export function sizeAt(path: string): number {
  return model.weights.get(`${path}.weight`).data.length;
}
