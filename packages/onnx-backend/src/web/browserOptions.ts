export interface BrowserOptions {
  /** What computes; 'webgpu' where the browser offers a hardware adapter and else 'wasm', unless given. */
  readonly provider?: 'wasm' | 'webgpu';
  /** Where the files `ort-wasm-simd-threaded...` of onnxruntime-web are served; beside the bundle unless given. */
  readonly wasmPaths?: string | { readonly mjs?: string; readonly wasm?: string };
}

export type Provider = NonNullable<BrowserOptions['provider']>;
