import type { TypedArray } from '@peft/graph';
import { OnnxError } from '../onnxError.ts';
import type { Model, Runtime, Session } from '../runtime.ts';
import type { GpuLease } from './gpuWeights.ts';
import { type LoadedOrt, type LoadOptions, loadOrt } from './loadedOrt.ts';
import { requireRightProduct } from './requireRightProduct.ts';
import { WebBinding } from './webBinding.ts';

/**
 * ONNX Runtime in a browser, tried on a small product. A run on WebAssembly holds the page or worker that it runs in.
 * @throws OnnxError `onnx/library` where it does not start, `onnx/numbers` where it computes wrongly
 */
export async function webRuntime(
  options: LoadOptions,
  load: (options: LoadOptions) => Promise<LoadedOrt> = loadOrt,
): Promise<Runtime> {
  const loaded = await load(options);
  const { ort, provider, threads } = loaded;
  const runtime: Runtime = {
    name: provider,
    version: ort.env.versions.web ?? ort.env.versions.common,
    threads,
    open: (model) => openSession(loaded, model),
  };
  await requireRightProduct(runtime).catch((error: Error) => {
    if (error instanceof OnnxError && error.code === 'onnx/numbers') throw error;
    const { message } = (error.cause as Error | undefined) ?? error;
    const files = `ort-wasm-simd-threaded.${provider === 'webgpu' ? 'asyncify.' : ''}`;
    throw new OnnxError(
      'onnx/library',
      `onnxruntime-web does not start on ${provider}: ${message}; serve its files ${files}wasm and ${files}mjs beside the bundle, or name their place as browser.wasmPaths.`,
      { cause: error },
    );
  });
  return runtime;
}

async function openSession(loaded: LoadedOrt, model: Model): Promise<Session> {
  const { ort, provider, gpu } = loaded;
  const options = {
    executionProviders: [gpu ? ({ name: provider, device: gpu.device } as never) : provider],
    graphOptimizationLevel: 'disabled',
    logSeverityLevel: 3,
  } as const;
  const session = await loaded
    .inTurn(() => ort.InferenceSession.create(model.bytes, options))
    .catch((cause) => {
      throw new OnnxError('onnx/runtime', `ONNX Runtime refuses the model: ${cause.message}`, { cause });
    });
  // What the latest binding reads stays on the device until the next: bindings for one run each share it.
  const kept = new Map<number, GpuLease>();
  return {
    bind(feeds, results) {
      const binding = new WebBinding({ loaded, session }, model, [feeds, results]);
      for (const [index, { isFrozen }] of model.feeds.entries()) {
        if (!isFrozen || !gpu) continue;
        const former = kept.get(index);
        kept.set(index, gpu.weights.lease(feeds[index] as TypedArray));
        former?.release();
      }
      return binding;
    },
    release() {
      for (const { release } of kept.values()) release();
      void loaded.inTurn(() => session.release());
    },
  };
}
