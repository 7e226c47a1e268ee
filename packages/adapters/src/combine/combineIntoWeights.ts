import { type AnyModel, hostArray, toFloat32, type Weights } from '@peft/core';
import { checkCombination } from './checkCombination.ts';
import { combinedDelta } from './combinedDelta.ts';
import { combinedParameters } from './combinedParameters.ts';
import { combinedRows } from './combinedRows.ts';
import type { CombineIntoWeightsOptions, WeightedAdapter } from './combineOptions.ts';
import { eachTarget } from './eachTarget.ts';
import { toWeightLayout } from './weightLayout.ts';
import { withMerged } from './withMerged.ts';

/**
 * The base's weights with the combined change of several adapters written in, at whatever rank it has; dispose them to
 * have the base back. Methods and errors as of `combineAdapters`; cat, linear and svd are all the plain sum here.
 */
export async function combineIntoWeights(
  model: AnyModel,
  adapters: readonly WeightedAdapter[],
  options: CombineIntoWeightsOptions = {},
): Promise<Weights> {
  const { combination, sources } = checkCombination(model, { caller: 'combineIntoWeights', adapters, options });
  return withMerged(model, sources, async (merged) => {
    const parameters = await combinedParameters(model, merged);
    const weights = model.weights.fork();
    try {
      for (const [path, array] of Object.entries(parameters)) weights.write(path, array);
      await addRows(weights, model, sources);
      await eachTarget(model, merged, {
        except: (path) => Object.hasOwn(parameters, path),
        onProgress: options.onProgress,
        visit(target, changes) {
          if (changes.length === 0) return;
          const path = `${target.path}.weight`;
          const delta = toWeightLayout(target, combinedDelta(changes, { path: target.path, combination }));
          const after = toFloat32(weights.get(path)).map((value, at) => value + (delta[at] as number));
          weights.write(path, hostArray(after, target.shape));
        },
      });
    } catch (error) {
      weights.dispose();
      throw error;
    }
    return weights;
  });
}

/** Adds what the adapters change in trained rows to the table and to the heads that see the same rows. */
async function addRows(
  weights: Weights,
  model: AnyModel,
  sources: readonly Required<WeightedAdapter>[],
): Promise<void> {
  for (const [table, { ids, heads, rows }] of Object.entries(await combinedRows(model, sources))) {
    const combined = toFloat32(rows);
    const width = rows.shape[1] ?? 0;
    const before = toFloat32(model.weights.get(`${table}.weight`));
    for (const path of [table, ...heads].map((module) => `${module}.weight`)) {
      const old = weights.get(path);
      const values = toFloat32(old).slice();
      for (const [index, id] of ids.entries()) {
        for (let at = 0; at < width; at++) {
          const change = (combined[index * width + at] as number) - (before[id * width + at] as number);
          values[id * width + at] = (values[id * width + at] as number) + change;
        }
      }
      weights.write(path, hostArray(values, old.shape));
    }
  }
}
