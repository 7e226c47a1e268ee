import { checkOptions } from './checkOptions.ts';
import { engineOn, type OnnxEngine } from './engineOn.ts';
import { openRuntime, type RuntimeOptions } from './openRuntime.ts';
import type { BrowserOptions } from './web/browserOptions.ts';

export interface OnnxEngineOptions extends RuntimeOptions {
  /** For bundles that run in a browser, where 'native' and 'binding' mean nothing; not read in Node. */
  readonly browser?: BrowserOptions;
  /**
   * Bytes that the results of a step may hold at one time, beside weights and state: to stay below, it computes cheap
   * results again for the backward pass. Without it everything is kept, which is fastest.
   */
  readonly memoryBudget?: number;
  /** Told once when something slower has to be used; console.warn unless given. */
  readonly onWarning?: (message: string) => void;
}

/** An engine that captures each step once and runs it on ONNX Runtime from then on. @throws OnnxError `onnx/options` */
export function onnxEngine(options: OnnxEngineOptions = {}): OnnxEngine {
  checkOptions(options);
  const { onWarning = console.warn, memoryBudget, ...runtime } = options;
  return engineOn(() => openRuntime(runtime, onWarning), { memoryBudget });
}
