import { type AnyModel, mergeAdapter } from '@peft/core';
import type { WeightedAdapter } from './combineOptions.ts';
import { isAdditive } from './isAdditive.ts';
import type { Source } from './sourceChange.ts';

/** Calls back with the adapters, those that are not additive merged, whose weights are freed afterwards. */
export async function withMerged<T>(
  model: AnyModel,
  adapters: readonly Required<WeightedAdapter>[],
  use: (sources: readonly Source[]) => Promise<T>,
): Promise<T> {
  const sources: Source[] = [];
  try {
    for (const source of adapters) {
      const merged = isAdditive(source.adapter)
        ? undefined
        : await mergeAdapter(model, { ...source.adapter, trained: {} });
      sources.push({ ...source, merged });
    }
    return await use(sources);
  } finally {
    for (const { merged } of sources) merged?.dispose();
  }
}
