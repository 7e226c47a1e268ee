import { OnnxError } from '../onnxError.ts';
import type { BrowserOptions, Provider } from './browserOptions.ts';
import { type GpuDevice, openGpu } from './gpuDevice.ts';
import { GpuWeights } from './gpuWeights.ts';

/** The part of onnxruntime-web that is used. */
export type OrtWeb = Pick<typeof import('onnxruntime-web'), 'InferenceSession' | 'Tensor' | 'env'>;

/** onnxruntime-web with its settings, which hold for the life of the page. */
export interface LoadedOrt {
  readonly ort: OrtWeb;
  readonly provider: Provider;
  readonly threads: number;
  /** Of all sessions on WebGPU, and what they read there. */
  readonly gpu?: { readonly device: GpuDevice; readonly weights: GpuWeights };
  /** Calls into the module one after another: its stack is one, also across awaits. */
  inTurn<Result>(work: () => Promise<Result>): Promise<Result>;
}

export interface LoadOptions {
  readonly provider: Provider;
  readonly threads: number;
  readonly wasmPaths?: BrowserOptions['wasmPaths'];
}

/** A module for each provider: WebAssembly alone is half the download. */
const modules: Readonly<Record<Provider, () => Promise<OrtWeb>>> = {
  wasm: () => import('onnxruntime-web/wasm'),
  webgpu: () => import('onnxruntime-web/webgpu'),
};

const loaded = new Map<Provider, Promise<LoadedOrt>>();

/** Loads onnxruntime-web for a provider once. @throws OnnxError `onnx/library` where it does not load */
export function loadOrt(options: LoadOptions): Promise<LoadedOrt> {
  const loading = loaded.get(options.provider) ?? loadWith(modules[options.provider], options);
  loaded.set(options.provider, loading);
  return loading;
}

/** Sets a module up. */
export async function loadWith(
  load: () => Promise<OrtWeb>,
  { provider, threads, wasmPaths }: LoadOptions,
): Promise<LoadedOrt> {
  const ort = await load().catch((cause) => {
    throw new OnnxError('onnx/library', `onnxruntime-web does not load: ${cause.message}.`, { cause });
  });
  ort.env.logLevel = 'error';
  ort.env.wasm.numThreads = threads;
  if (wasmPaths !== undefined) ort.env.wasm.wasmPaths = wasmPaths;
  const device = provider === 'webgpu' ? await openGpu() : undefined;
  let last: Promise<unknown> = Promise.resolve();
  return {
    ort,
    provider,
    threads,
    ...(device ? { gpu: { device, weights: new GpuWeights(device) } } : {}),
    inTurn(work) {
      const turn = last.then(work, work);
      last = turn.catch(() => {});
      return turn;
    },
  };
}
