import { checkOptions } from '../checkOptions.ts';
import { engineOn, type OnnxEngine } from '../engineOn.ts';
import type { OnnxEngineOptions } from '../onnxEngine.ts';
import { openWebRuntime } from './openWebRuntime.ts';

/** An engine that captures each step once and runs it on ONNX Runtime from then on. @throws OnnxError `onnx/options` */
export function onnxEngine(given: OnnxEngineOptions = {}): OnnxEngine {
  checkOptions(given);
  const { onWarning = console.warn, runtime, threads, browser, memoryBudget } = given;
  const options = { ...(threads === undefined ? {} : { threads }), ...(browser === undefined ? {} : { browser }) };
  // 'native' and 'binding' are Node's.
  return engineOn(async () => (typeof runtime === 'object' ? runtime : openWebRuntime({ ...options, onWarning })), {
    memoryBudget,
  });
}
