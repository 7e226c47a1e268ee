import { fold } from '@peft/core';
import { agreeingMean } from './agreeingMean.ts';
import type { Combination } from './combineOptions.ts';
import { dropAtRandom } from './dropAtRandom.ts';
import { keepLargest } from './keepLargest.ts';
import { type Matrix, matrix } from './matrix.ts';
import type { SourceChange } from './sourceChange.ts';
import { summedDeltas, type WeightedDelta } from './summedDeltas.ts';

/** A change, and the position of its adapter among those that are combined: what its draws belong to. */
export type PlacedChange = { readonly change: SourceChange; readonly position: number };

/** The combined change of a target [in, out], whatever its rank. There is at least one change. */
export function combinedDelta(
  changes: readonly PlacedChange[],
  { path, combination }: { readonly path: string; readonly combination: Combination },
): Matrix {
  const { method, density, election, seed } = combination;
  const deltas = changes.map(({ change, position }) => ({ whole: change.delta(), weight: change.weight, position }));
  const [
    {
      whole: { rows, columns },
    } = { whole: matrix(0, 0) },
  ] = deltas;
  const each = (thin: (values: Float64Array, position: number) => Float64Array): readonly WeightedDelta[] =>
    deltas.map(({ whole, weight, position }) => ({ values: thin(whole.values, position), weight }));
  const largest = () => each((values) => keepLargest(values, density));
  const drawn = () => each((values, position) => dropAtRandom(values, density, fold(fold(seed, path), position)));
  const values = () => {
    switch (method) {
      case 'cat':
      case 'linear':
      case 'svd':
        return summedDeltas(each((whole) => whole));
      case 'magnitudePrune':
        return summedDeltas(largest());
      case 'ties':
        return agreeingMean(largest(), election);
      case 'dareLinear':
        return summedDeltas(drawn());
      case 'dareTies':
        return agreeingMean(drawn(), election);
      default:
        return method satisfies never;
    }
  };
  return matrix(rows, columns, values());
}
