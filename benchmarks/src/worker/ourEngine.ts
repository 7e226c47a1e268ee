import { type Engine, eagerEngine, PeftError } from '@peft/core';
import * as tf from '@tensorflow/tfjs';
import { setThreadsCount } from '@tensorflow/tfjs-backend-wasm';
import type { EngineName } from '../contest/contestants.ts';

export type OurEngine = {
  readonly engine: Engine;
  /** How frozen weights reach the step. */
  readonly weights: 'inputs' | 'initializers' | 'tensors';
};

/** Starts one of our engines with so many threads. Tensors made outside of it live on WebAssembly, or on TensorFlow's own. */
export async function ourEngine(name: EngineName, threads: number): Promise<OurEngine> {
  setThreadsCount(threads);
  switch (name) {
    case 'onnx': {
      await tf.setBackend('wasm');
      const { onnxEngine } = await load('@peft/onnx-backend', 'it is part of this workspace; build it');
      return { engine: (onnxEngine as (options: object) => Engine)({ threads }), weights: 'inputs' };
    }
    case 'wasm':
      await tf.setBackend('wasm');
      return { engine: eagerEngine(), weights: 'tensors' };
    case 'tensorflow':
      await load(
        '@tensorflow/tfjs-node',
        'it is optional, since its install script downloads a native library; npm install it beside this package, on Node 20 or 22',
      );
      await tf.setBackend('tensorflow');
      return { engine: eagerEngine(), weights: 'tensors' };
  }
}

async function load(module: string, remedy: string): Promise<Record<string, unknown>> {
  try {
    return (await import(module)) as Record<string, unknown>;
  } catch (cause) {
    const reason = cause instanceof Error ? cause.message.split('\n')[0] : String(cause);
    throw new PeftError('bench/engine', `${module} does not load: ${reason}. To measure it: ${remedy}.`, { cause });
  }
}
