/** One weight that may be adapted: the dotted path of its module, the name of its layer kind, the weight's shape. */
export type Target = {
  readonly path: string;
  readonly kind: string;
  readonly shape: readonly number[];
  /** Of a dense layer: that Python keeps its weight [in, out], as Conv1D of transformers does, and not [out, in]. */
  readonly fanInFanOut?: boolean;
};
