import { type AnyModel, fromTensor, type HostArray, hostArray, toFloat32 } from '@peft/core';
import { combinedDelta } from './combinedDelta.ts';
import { requireFinite } from './requireFinite.ts';
import { type Source, sourceChange } from './sourceChange.ts';
import { toWeightLayout } from './weightLayout.ts';

const sum = { method: 'linear', density: 1, election: 'total', seed: 0, rank: undefined } as const;

/**
 * The parameters that any of the adapters trained whole, by path: the base's value plus the weighted sum of the
 * differences from it, whatever the method, since a whole parameter has no rank. What another adapter changes by factors
 * is added too.
 */
export async function combinedParameters(
  { weights, targets }: AnyModel,
  sources: readonly Source[],
): Promise<Readonly<Record<string, HostArray>>> {
  const paths = [...new Set(sources.flatMap(({ adapter }) => Object.keys(adapter.trained)))].sort();
  const combined: Record<string, HostArray> = {};
  for (const path of paths) {
    const base = weights.get(path);
    const before = toFloat32(base);
    const value = Float64Array.from(before);
    const add = (change: ArrayLike<number>, weight: number) => {
      for (let at = 0; at < value.length; at++) value[at] = (value[at] as number) + weight * (change[at] as number);
    };
    const target = targets.find((each) => `${each.path}.weight` === path);
    for (const source of sources) {
      const trained = Object.hasOwn(source.adapter.trained, path) ? source.adapter.trained[path] : undefined;
      if (trained) {
        const after = toFloat32(await fromTensor(trained));
        requireFinite(after, source.adapter, path);
        add(
          Float64Array.from(after, (each, at) => each - (before[at] as number)),
          source.weight,
        );
        continue;
      }
      const change = target && (await sourceChange(source, target, weights));
      if (!change) continue;
      const delta = combinedDelta([{ change, position: 0 }], { path, combination: sum });
      add(toWeightLayout(target, delta), 1);
    }
    combined[path] = hostArray(Float32Array.from(value), base.shape);
  }
  return combined;
}
