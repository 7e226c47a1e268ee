import { engineOn, type OnnxEngine } from './engineOn.ts';
import { openRuntime, type RuntimeOptions } from './openRuntime.ts';
import type { BrowserOptions } from './web/browserOptions.ts';

export interface OnnxEngineOptions extends RuntimeOptions {
  /** For bundles that run in a browser, where 'native' and 'binding' mean nothing; not read in Node. */
  readonly browser?: BrowserOptions;
  /** Told once when something slower has to be used; console.warn unless given. */
  readonly onWarning?: (message: string) => void;
}

/** An engine that captures each step once and runs it on ONNX Runtime from then on. */
export function onnxEngine({ onWarning = console.warn, ...options }: OnnxEngineOptions = {}): OnnxEngine {
  return engineOn(() => openRuntime(options, onWarning));
}
