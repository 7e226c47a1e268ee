import type { Runtime } from './runtime.ts';

export interface RuntimeOptions {
  /** How ONNX Runtime is called, or a runtime of your own; whichever loads first, native before binding, unless given. */
  readonly runtime?: 'native' | 'binding' | Runtime;
  /** Threads of a run; the CPUs this process is granted unless given. */
  readonly threads?: number;
}

type Open = (options: { readonly threads?: number }) => Promise<Runtime>;

const runtimes: Readonly<Record<'native' | 'binding', Open>> = {
  native: async (options) => (await import('./native/nativeRuntime.ts')).nativeRuntime(options),
  binding: async (options) => (await import('./binding/bindingRuntime.ts')).bindingRuntime(options),
};

/**
 * The runtime asked for, or the first that loads; undefined where none does. Says each time that one does not.
 *
 * @throws OnnxError `onnx/library`, `onnx/version` where the one asked for does not load
 */
export async function openRuntime(
  { runtime, threads }: RuntimeOptions,
  onWarning: (message: string) => void,
): Promise<Runtime | undefined> {
  const options = threads === undefined ? {} : { threads };
  if (typeof runtime === 'object') return runtime;
  if (runtime !== undefined) return runtimes[runtime](options);
  const steps = [
    ['native', "onnxruntime-node's own binding, which holds the event loop during a step"],
    ['binding', 'eager TensorFlow.js, which is many times slower'],
  ] as const;
  for (const [name, next] of steps) {
    try {
      return await runtimes[name](options);
    } catch (error) {
      onWarning(`onnxEngine: ${(error as Error).message} Until then it uses ${next}.`);
    }
  }
  return undefined;
}
