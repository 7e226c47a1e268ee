import { layerKindOf, PeftError, type Target } from '@peft/core';
import { type Matrix, matrix, transposed } from './matrix.ts';

/** Values of a weight as a matrix that lies as the product of its kind's factors: [in, out]. */
export function toFactorLayout(target: Target, values: Float64Array): Matrix {
  const { rows, columns, isTransposed } = layoutOf(target);
  return isTransposed ? transposed(matrix(columns, rows, values)) : matrix(rows, columns, values);
}

/** The values of a matrix [in, out] in the order of the weight's. */
export function toWeightLayout(target: Target, values: Matrix): Float64Array {
  return layoutOf(target).isTransposed ? transposed(values).values : values.values;
}

/**
 * How a kind's product of factors lies in its weight, read off the shapes of its factors for a weight whose axes all
 * differ. Throws `combine/kind` for a kind that does otherwise than to join the factors' axes, as they are or reversed.
 */
function layoutOf(target: Target) {
  const kind = layerKindOf(target);
  const joined = (of: Target) => {
    const { a, b } = kind.factorShapes(of, 1);
    return { inner: a.slice(0, -1), outer: b.slice(1) };
  };
  const shape = target.shape.map((_, axis) => axis + 2);
  const { inner, outer } = joined({ ...target, shape });
  const order = [...inner, ...outer].join();
  const isTransposed = order === [...shape].reverse().join() && shape.length === 2;
  if (order !== shape.join() && !isTransposed) {
    throw new PeftError(
      'combine/kind',
      `how factors of layer kind "${target.kind}" (target "${target.path}") lie in its weight is not known, so its weights cannot be combined; combine additive adapters, by method "cat", "linear" or "svd".`,
    );
  }
  const size = (axes: readonly number[]) => axes.reduce((product, length) => product * length, 1);
  const own = joined(target);
  return { rows: size(own.inner), columns: size(own.outer), isTransposed };
}
