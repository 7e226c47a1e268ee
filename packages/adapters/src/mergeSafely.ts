import {
  type AnyModel,
  type Engine,
  type HostArray,
  mergeAdapter,
  PeftError,
  toFloat32,
  type Weights,
} from '@peft/core';
import { sumOfPrepared } from './sumAdapters.ts';
import type { Weighted } from './weightedSum.ts';

/** A prepared adapter with its name and weight. */
export type Named = Weighted & { readonly name: string };

/** A copy of the changed weights with the sum of the adapters in them. */
export async function mergeNamed(model: AnyModel, parts: readonly Named[], engine?: Engine): Promise<Weights> {
  const sum = sumOfPrepared(model, parts);
  try {
    return await mergeAdapter(model, sum.adapter, engine);
  } finally {
    sum.dispose();
  }
}

/**
 * The same, refusing values that are not finite where the base's are. Throws `adapters/not-finite` for the first such
 * weight, with the adapters that bring them.
 */
export async function mergeSafely(model: AnyModel, parts: readonly Named[], engine?: Engine): Promise<Weights> {
  const merged = await mergeNamed(model, parts, engine);
  const path = merged.written.find((each) => newlyNonFinite(merged.get(each), model.weights.get(each)) > 0);
  if (path === undefined) return merged;
  const count = newlyNonFinite(merged.get(path), model.weights.get(path));
  merged.dispose();
  const causes: string[] = [];
  for (const part of parts) {
    const alone = await mergeNamed(model, [part], engine);
    if (newlyNonFinite(alone.get(path), model.weights.get(path)) > 0) causes.push(part.name);
    alone.dispose();
  }
  const names = causes.length > 0 ? causes : parts.map(({ name }) => name);
  throw new PeftError(
    'adapters/not-finite',
    `adapterSet: merging ${names.map((name) => `"${name}"`).join(', ')} would put ${count} values that are not finite into "${path}"; nothing was merged. Train or load a sound adapter, lower its weight, or merge with safe: false.`,
  );
}

/** How many values are not finite of those that the base has finite. */
function newlyNonFinite(array: HostArray, base: HostArray): number {
  const values = toFloat32(array);
  // 0 times a value is 0 exactly where it is finite.
  let total = 0;
  for (let i = 0; i < values.length; i++) total += 0 * (values[i] as number);
  if (total === 0) return 0;
  const before = toFloat32(base);
  let count = 0;
  for (let i = 0; i < values.length; i++) {
    if (!Number.isFinite(values[i] as number) && Number.isFinite(before[i] as number)) count++;
  }
  return count;
}
