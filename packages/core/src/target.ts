/** One weight that may be adapted: the dotted path of its module, the name of its layer kind, the weight's shape. */
export type Target = { readonly path: string; readonly kind: string; readonly shape: readonly number[] };
