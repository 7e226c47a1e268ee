import { afterEach, expect, it, vi } from 'vitest';
import { OnnxError } from './onnxError.ts';
import { openRuntime } from './openRuntime.ts';
import type { Runtime } from './runtime.ts';

const refuse = vi.hoisted(() => ({ native: undefined as Error | undefined, binding: undefined as Error | undefined }));

vi.mock('./native/nativeRuntime.ts', () => ({ nativeRuntime: opener('native') }));
vi.mock('./binding/bindingRuntime.ts', () => ({ bindingRuntime: opener('binding') }));

function opener(name: keyof typeof refuse) {
  return async ({ threads = 7 }) => {
    if (refuse[name]) throw refuse[name];
    return { name, threads, version: '0', open: () => Promise.reject(new Error('not opened here')) } as Runtime;
  };
}

afterEach(() => {
  refuse.native = undefined;
  refuse.binding = undefined;
});

async function opened(options: Parameters<typeof openRuntime>[0] = {}) {
  const warnings: string[] = [];
  const runtime = await openRuntime(options, (message) => warnings.push(message));
  return { name: runtime?.name, threads: runtime?.threads, warnings };
}

it('is native where that loads', async () => {
  expect(await opened()).toEqual({ name: 'native', threads: 7, warnings: [] });
  expect(await opened({ threads: 3 })).toEqual({ name: 'native', threads: 3, warnings: [] });
});

it('falls back to the binding, then to none, each said in one line', async () => {
  refuse.native = new OnnxError('onnx/library', 'koffi is not here; install it.');
  const native =
    "onnxEngine: koffi is not here; install it. Until then it uses onnxruntime-node's own binding, which holds the event loop during a step.";
  expect(await opened()).toEqual({ name: 'binding', threads: 7, warnings: [native] });
  refuse.binding = new OnnxError('onnx/library', 'no binding; install it.');
  const binding =
    'onnxEngine: no binding; install it. Until then it uses eager TensorFlow.js, which is many times slower.';
  expect(await opened()).toEqual({ name: undefined, threads: undefined, warnings: [native, binding] });
});

it('is the one asked for, or fails', async () => {
  expect((await opened({ runtime: 'binding' })).name).toBe('binding');
  refuse.native = new OnnxError('onnx/library', 'koffi is not here; install it.');
  await expect(opened({ runtime: 'native' })).rejects.toThrow('koffi is not here; install it.');
  const own = { name: 'own', version: '1', threads: 1, open: () => Promise.reject(new Error()) };
  expect((await opened({ runtime: own })).name).toBe('own');
});
