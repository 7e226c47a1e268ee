import type { OnnxEngineOptions } from './onnxEngine.ts';
import { OnnxError } from './onnxError.ts';

const known: Readonly<Record<keyof OnnxEngineOptions, true>> = {
  runtime: true,
  threads: true,
  memoryBudget: true,
  browser: true,
  onWarning: true,
};

/** Refuses options that are misspelt or impossible, all at once. @throws OnnxError `onnx/options` */
export function checkOptions(options: OnnxEngineOptions): void {
  const problems = Object.keys(options)
    .filter((name) => !Object.hasOwn(known, name))
    .map((name) => `there is no option "${name}"; there are ${Object.keys(known).join(', ')}`);
  const { runtime, threads, memoryBudget, onWarning } = options;
  const isOwnRuntime = typeof runtime === 'object' && typeof runtime?.open === 'function';
  if (runtime !== undefined && runtime !== 'native' && runtime !== 'binding' && !isOwnRuntime) {
    problems.push(`runtime is ${JSON.stringify(runtime)}; it is 'native', 'binding', or a Runtime`);
  }
  if (threads !== undefined && !(Number.isInteger(threads) && threads >= 1)) {
    problems.push(`threads is ${JSON.stringify(threads)}; it is a whole number of at least 1`);
  }
  if (memoryBudget !== undefined && !(Number.isFinite(memoryBudget) && memoryBudget > 0)) {
    problems.push(`memoryBudget is ${JSON.stringify(memoryBudget)}; it is a number of bytes above 0`);
  }
  if (onWarning !== undefined && typeof onWarning !== 'function') {
    problems.push(`onWarning is ${JSON.stringify(onWarning)}; it is a function of a text`);
  }
  if (problems.length === 0) return;
  throw new OnnxError('onnx/options', `onnxEngine: ${problems.join('; ')}.`);
}
