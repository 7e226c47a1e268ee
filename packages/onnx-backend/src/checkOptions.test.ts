import { expect, it } from 'vitest';
import { type OnnxEngineOptions, onnxEngine } from './index.ts';
import { onnxEngine as browserEngine } from './web/onnxEngine.ts';

it.each([
  [{ runtime: 'nativ' }, `onnxEngine: runtime is "nativ"; it is 'native', 'binding', or a Runtime.`],
  [{ runtime: null }, `onnxEngine: runtime is null; it is 'native', 'binding', or a Runtime.`],
  [{ threads: 0 }, 'onnxEngine: threads is 0; it is a whole number of at least 1.'],
  [{ memoryBudget: '1 GB' }, 'onnxEngine: memoryBudget is "1 GB"; it is a number of bytes above 0.'],
  [{ memoryBudget: -5 }, 'onnxEngine: memoryBudget is -5; it is a number of bytes above 0.'],
  [{ onWarning: 'no' }, 'onnxEngine: onWarning is "no"; it is a function of a text.'],
  [
    { thread: 2, threads: 1.5 },
    'onnxEngine: there is no option "thread"; there are runtime, threads, memoryBudget, browser, onWarning; threads is 1.5; it is a whole number of at least 1.',
  ],
])('%j is refused by every engine', (options, message) => {
  for (const make of [onnxEngine, browserEngine]) {
    expect(() => make(options as unknown as OnnxEngineOptions)).toThrow(
      expect.objectContaining({ code: 'onnx/options', message }),
    );
  }
});
