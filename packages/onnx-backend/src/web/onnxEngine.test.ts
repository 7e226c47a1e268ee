import { expect, it } from 'vitest';
import type { Runtime } from '../runtime.ts';
import { onnxEngine } from './onnxEngine.ts';

it('is on the provider asked for, once', async () => {
  const said: string[] = [];
  const engine = onnxEngine({ browser: { provider: 'wasm' }, threads: 1, onWarning: (message) => said.push(message) });
  expect(engine.name).toBe('onnx');
  expect(await engine.describe()).toEqual({ runtime: 'wasm', version: '1.30.0', threads: 1 });
  engine.dispose();
  expect(said).toEqual([]);
});

it('is on a runtime of your own where one is given', async () => {
  const runtime: Runtime = { name: 'mine', version: '0', threads: 3, open: () => Promise.reject(new Error('unused')) };
  expect(await onnxEngine({ runtime }).describe()).toEqual({ runtime: 'mine', version: '0', threads: 3 });
});
