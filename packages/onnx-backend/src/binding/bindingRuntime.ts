import type { TypedArray } from '@peft/graph';
import { availableThreads } from '../availableThreads.ts';
import { checkArrays } from '../checkArrays.ts';
import { OnnxError } from '../onnxError.ts';
import type { Binding, Model, Runtime, Session } from '../runtime.ts';

type OnnxRuntime = typeof import('onnxruntime-node');

export interface BindingOptions {
  /** Threads of a run; the CPUs this process is granted unless given. */
  readonly threads?: number;
}

/**
 * ONNX Runtime through the binding that onnxruntime-node brings. It holds the event loop for a whole run and copies
 * every result. @throws OnnxError `onnx/library` where the package does not load
 */
export async function bindingRuntime(options: BindingOptions = {}): Promise<Runtime> {
  const loaded = await import('onnxruntime-node').catch((cause) => {
    throw new OnnxError(
      'onnx/library',
      `onnxruntime-node does not load: ${cause.message}; install it for this platform, or choose another engine.`,
      { cause },
    );
  });
  const ort = (loaded as { default?: OnnxRuntime }).default ?? loaded;
  const threads = options.threads ?? (await availableThreads());
  return {
    name: 'binding',
    version: ort.env.versions.node ?? ort.env.versions.common,
    threads,
    open: (model) => openSession(ort, model, threads),
  };
}

async function openSession(ort: OnnxRuntime, model: Model, threads: number): Promise<Session> {
  const session = await ort.InferenceSession.create(model.bytes, {
    executionProviders: ['cpu'],
    intraOpNumThreads: threads,
    graphOptimizationLevel: 'disabled',
    logSeverityLevel: 4,
    extra: { session: { force_spinning_stop: '1' } },
  }).catch((cause) => {
    throw new OnnxError('onnx/runtime', `ONNX Runtime refuses the model: ${cause.message}`, { cause });
  });
  return {
    bind: (feeds, results) => bindArrays({ ort, session }, model, [feeds, results]),
    release: () => void session.release(),
  };
}

type Opened = { readonly ort: OnnxRuntime; readonly session: import('onnxruntime-node').InferenceSession };

function bindArrays(
  { ort, session }: Opened,
  { feeds: inputs, results: outputs }: Model,
  [feeds, results]: readonly [readonly TypedArray[], readonly TypedArray[]],
): Binding {
  checkArrays('input', inputs, feeds);
  checkArrays('output', outputs, results);
  // The binding refuses shared memory: such a feed is copied before each run.
  const shared: (() => void)[] = [];
  const entries = inputs.map(({ onnxName, shape, dtype }, index) => {
    const array = feeds[index] as TypedArray;
    const isShared = typeof SharedArrayBuffer === 'function' && array.buffer instanceof SharedArrayBuffer;
    const given = isShared ? array.slice() : array;
    if (isShared) shared.push(() => given.set(array));
    return [onnxName, new ort.Tensor(dtype, given as never, shape)] as const;
  });
  const given = Object.fromEntries(entries);
  const names = outputs.map(({ onnxName }) => onnxName);
  return {
    async run() {
      for (const copy of shared) copy();
      const made = await session.run(given, names).catch((cause) => {
        throw new OnnxError('onnx/runtime', `ONNX Runtime stopped a run: ${cause.message}`, { cause });
      });
      for (const [index, name] of names.entries()) {
        const result = made[name];
        (results[index] as TypedArray).set(result?.data as TypedArray);
        result?.dispose();
      }
    },
    release: () => {
      for (const name of Object.keys(given)) given[name]?.dispose();
    },
  };
}
