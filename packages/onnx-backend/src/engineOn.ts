import type { CompileOptions } from '@peft/compiler';
import type { Engine } from '@peft/core';
import { OnnxProgram } from './program/onnxProgram.ts';
import type { Runtime } from './runtime.ts';
import { SessionCache } from './sessionCache.ts';

/** What runs the steps. */
export interface EngineDescription {
  /** 'native' or 'binding' in Node, 'wasm' or 'webgpu' in a browser, 'eager' where ONNX Runtime does not load. */
  readonly runtime: string;
  /** Of ONNX Runtime; undefined where it does not load. */
  readonly version: string | undefined;
  readonly threads: number | undefined;
}

export interface OnnxEngine extends Engine {
  /** What runs the steps; loads it. */
  describe(): Promise<EngineDescription>;
  /** Frees sessions that no program uses. */
  dispose(): void;
}

/** Sessions that no program uses: those of one run, which the next link of a chain wants again. */
const idle = { idleLimit: 8, idleTime: 10_000 };

/** An engine on the runtime that opens at first use; eager where none does. */
export function engineOn(openRuntime: () => Promise<Runtime | undefined>, options: CompileOptions = {}): OnnxEngine {
  let opening: Promise<{ readonly runtime: Runtime; readonly sessions: SessionCache } | undefined> | undefined;
  const open = () => {
    opening ??= openRuntime().then((runtime) => runtime && { runtime, sessions: new SessionCache(runtime, idle) });
    return opening;
  };
  return {
    name: 'onnx',
    async compile(functions, weights) {
      const opened = await open();
      if (opened) return new OnnxProgram(functions, weights, { ...options, sessions: opened.sessions });
      const { eagerEngine } = await import('@peft/core');
      return eagerEngine().compile(functions, weights);
    },
    async describe() {
      const opened = await open();
      const { name, version, threads } = opened?.runtime ?? { name: 'eager', version: undefined, threads: undefined };
      return { runtime: name, version, threads };
    },
    dispose() {
      void opening?.then((opened) => opened?.sessions.clear());
    },
  };
}
