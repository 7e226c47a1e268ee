import { engineOn, type OnnxEngine } from '../engineOn.ts';
import type { OnnxEngineOptions } from '../onnxEngine.ts';
import { openWebRuntime } from './openWebRuntime.ts';

/** An engine that captures each step once and runs it on ONNX Runtime from then on. */
export function onnxEngine({
  onWarning = console.warn,
  runtime,
  threads,
  browser,
  memoryBudget,
}: OnnxEngineOptions = {}): OnnxEngine {
  const options = { ...(threads === undefined ? {} : { threads }), ...(browser === undefined ? {} : { browser }) };
  // 'native' and 'binding' are Node's.
  return engineOn(async () => (typeof runtime === 'object' ? runtime : openWebRuntime({ ...options, onWarning })), {
    memoryBudget,
  });
}
