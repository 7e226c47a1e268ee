import type * as Tfjs from '@tensorflow/tfjs';

/** What tfjs-node exports, as far as it is used here: all of tfjs, from the copy that it imports. */
export type TfjsModule = typeof Tfjs;

/** tfjs-node's backend. */
export interface TensorflowBackend {
  readonly isGPUPackage: boolean;
  readonly isUsingGpuDevice: boolean;
  readonly binding: { readonly TF_Version: string };
}

/** The name under which tfjs-node registers its backend. */
export const backendName = 'tensorflow';

/** What `require` or `import` gave, if it is tfjs; import may leave everything in `default`. */
export function asTfjsModule(given: unknown): TfjsModule | undefined {
  const isModule = (value: unknown): value is TfjsModule =>
    typeof (value as Partial<TfjsModule> | undefined)?.findBackend === 'function';
  if (isModule(given)) return given;
  const inner = (given as { readonly default?: unknown } | undefined)?.default;
  return isModule(inner) ? inner : undefined;
}
