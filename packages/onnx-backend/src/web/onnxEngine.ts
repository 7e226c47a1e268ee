import { engineOn, type OnnxEngine } from '../engineOn.ts';
import type { OnnxEngineOptions } from '../onnxEngine.ts';
import { openWebRuntime } from './openWebRuntime.ts';

/** An engine that captures each step once and runs it on ONNX Runtime from then on. */
export function onnxEngine({ onWarning = console.warn, threads, browser }: OnnxEngineOptions = {}): OnnxEngine {
  const options = { ...(threads === undefined ? {} : { threads }), ...(browser === undefined ? {} : { browser }) };
  return engineOn(() => openWebRuntime({ ...options, onWarning }));
}
