import { type AnyModel, mergeAdapter, type TrainedAdapter, type Weights } from '@peft/core';
import { valuesOf } from './readings.ts';

/** How much of an adapter's change counts. */
export type Term = { readonly adapter: TrainedAdapter; readonly weight: number };

/** What a sum of adapters means: the weights with each of them merged alone, added up on the host in float64. */
export async function summedWeights(model: AnyModel, terms: readonly Term[]): Promise<Weights> {
  const base = valuesOf(model.weights);
  const sums = new Map(Object.entries(base).map(([path, values]) => [path, Float64Array.from(values)]));
  for (const { adapter, weight } of terms) {
    const merged = await mergeAdapter(model, adapter);
    for (const [path, values] of Object.entries(valuesOf(merged))) {
      const [sum, before] = [sums.get(path) as Float64Array, base[path] as Float32Array];
      for (const [i, value] of values.entries()) sum[i] = (sum[i] as number) + weight * (value - (before[i] as number));
    }
    merged.dispose();
  }
  const fork = model.weights.fork();
  for (const [path, sum] of sums) {
    fork.write(path, { dtype: 'float32', shape: model.weights.get(path).shape, data: Float32Array.from(sum) });
  }
  return fork;
}
