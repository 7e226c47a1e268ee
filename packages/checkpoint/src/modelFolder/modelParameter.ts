/** One parameter of a model, as the library holds it. */
export interface ModelParameter {
  /** A weight that multiplies is [in, out]. */
  readonly shape: readonly number[];
  /**
   * Of a weight [in, out], the axes that `in` folds: [in] for a linear layer, [channels, height, width] for a
   * convolution. torch stores such a weight as [out, ...inputAxes]; parameters without it are stored as they are.
   */
  readonly inputAxes?: readonly number[];
}

/** The shape that torch stores a parameter in. */
export function storedShape({ shape, inputAxes }: ModelParameter): readonly number[] {
  return inputAxes === undefined ? shape : [...shape.slice(1), ...inputAxes];
}
