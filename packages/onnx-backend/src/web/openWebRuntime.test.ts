import { describe, expect, it } from 'vitest';
import { OnnxError } from '../onnxError.ts';
import type { Runtime } from '../runtime.ts';
import type { LoadOptions } from './loadedOrt.ts';
import { openWebRuntime, type Page, type WebOptions } from './openWebRuntime.ts';

const fails = (message: string) => () => {
  throw new OnnxError('onnx/library', message);
};

interface Given extends Omit<WebOptions, 'onWarning'> {
  readonly gpu?: boolean;
  readonly isIsolated?: boolean;
  readonly open?: (options: LoadOptions) => Partial<Runtime>;
}

/** Opens on a page of four processors, and says what was opened and said. */
async function openOn({ gpu = false, isIsolated = true, open = () => ({}), ...options }: Given) {
  const [tried, said]: [LoadOptions[], string[]] = [[], []];
  const page: Page = {
    threads: { isIsolated, processors: 4 },
    hasGpu: async () => gpu,
    async open(given) {
      tried.push(given);
      const { provider: name, threads } = given;
      return { name, threads, version: '1', open: () => Promise.reject(new Error('unused')), ...open(given) };
    },
  };
  const runtime = await openWebRuntime({ ...options, onWarning: (message) => said.push(message) }, page);
  return { runtime, tried, said };
}

describe('a web runtime', () => {
  it('is WebGPU where there is an adapter, and else WebAssembly', async () => {
    expect((await openOn({ gpu: true })).runtime?.name).toBe('webgpu');
    const { runtime, tried, said } = await openOn({});
    expect(runtime?.name).toBe('wasm');
    expect(tried).toEqual([{ provider: 'wasm', threads: 4 }]);
    expect(said).toEqual([]);
  });

  it('is the one asked for, with the threads and files asked for', async () => {
    const browser = { provider: 'wasm', wasmPaths: '/files/' } as const;
    const { tried } = await openOn({ gpu: true, threads: 3, browser });
    expect(tried).toEqual([{ provider: 'wasm', threads: 3, wasmPaths: '/files/' }]);
  });

  it('goes on to the next, and says so in one line each', async () => {
    const open = ({ provider }: LoadOptions) => (provider === 'webgpu' ? fails('no shader compiles.')() : {});
    const once = await openOn({ gpu: true, open });
    expect(once.runtime?.name).toBe('wasm');
    expect(once.said).toEqual(['onnxEngine: no shader compiles. Until then it uses WebAssembly.']);
    const none = await openOn({ open: fails('nothing loads.') });
    expect(none.runtime).toBeUndefined();
    expect(none.said).toEqual([
      'onnxEngine: nothing loads. Until then it uses eager TensorFlow.js, which is many times slower.',
    ]);
  });

  it('throws where the one asked for does not work, and what is no matter of the browser', async () => {
    const wanted = openOn({ browser: { provider: 'webgpu' }, open: fails('no adapter.') });
    await expect(wanted).rejects.toThrow('no adapter.');
    const open = () => {
      throw new TypeError('a fault of ours');
    };
    await expect(openOn({ open })).rejects.toThrow('a fault of ours');
  });

  it('says that a page is not isolated, on WebAssembly alone', async () => {
    const { tried, said } = await openOn({ isIsolated: false });
    expect(tried).toEqual([{ provider: 'wasm', threads: 1 }]);
    expect(said).toHaveLength(1);
    expect(said[0]).toMatch(
      /^onnxEngine: steps run on one thread, as this page is not cross-origin isolated; .*4 threads\.$/,
    );
    expect((await openOn({ gpu: true, isIsolated: false })).said).toEqual([]);
  });

  it('says that the number of threads was chosen before', async () => {
    const { said } = await openOn({ threads: 2, open: () => ({ threads: 4 }) });
    expect(said).toEqual(['onnxEngine: onnxruntime-web keeps its 4 threads, chosen once for the life of a page.']);
  });
});
