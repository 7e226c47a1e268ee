import { type Engine, eagerEngine, PeftError } from '@peft/core';
import { onnxEngine } from '@peft/onnx-backend';
import * as tf from '@tensorflow/tfjs';
import { setThreadsCount } from '@tensorflow/tfjs-backend-wasm';
import type { EngineName } from '../contest/contestants.ts';

export type OurEngine = {
  readonly engine: Engine;
  /** What runs below it, by name. */
  readonly versions: Readonly<Record<string, string>>;
  /** How frozen weights reach the step. */
  readonly weights: 'inputs' | 'initializers' | 'tensors';
};

/** Starts one of our engines with so many threads. Tensors made outside of it live on WebAssembly, or on TensorFlow's own. */
export async function ourEngine(name: EngineName, threads: number): Promise<OurEngine> {
  setThreadsCount(threads);
  switch (name) {
    case 'onnx': {
      await tf.setBackend('wasm');
      const engine = onnxEngine({ threads, onWarning: (warning) => console.error(warning) });
      const { runtime, version } = await engine.describe();
      if (version === undefined) {
        throw new PeftError('bench/engine', 'ONNX Runtime does not load here, so there is nothing to measure.');
      }
      return { engine, weights: 'inputs', versions: { [`ONNX Runtime (${runtime})`]: version } };
    }
    case 'wasm':
      await tf.setBackend('wasm');
      return { engine: eagerEngine(), weights: 'tensors', versions: {} };
    case 'tensorflow':
      await loadTensorFlow();
      await tf.setBackend('tensorflow');
      return { engine: eagerEngine(), weights: 'tensors', versions: {} };
  }
}

async function loadTensorFlow(): Promise<void> {
  const module = '@tensorflow/tfjs-node';
  try {
    await import(module);
  } catch (cause) {
    const reason = cause instanceof Error ? cause.message.split('\n')[0] : String(cause);
    throw new PeftError(
      'bench/engine',
      `${module} does not load: ${reason}. It is no dependency here, since its install script downloads a native library; install it in benchmarks/ to measure it.`,
      { cause },
    );
  }
}
