import { eagerEngine, type HostInputs, hostArray, type Program } from '@peft/core';
import { plantedFunctions, plantedState, plantedWeights } from '@peft/engines';
import * as tf from '@tensorflow/tfjs';
import { beforeAll, describe, expect, it } from 'vitest';
import { modelOf } from '../../test/tinyModels.ts';
import { engineOn } from '../engineOn.ts';
import type { Model } from '../runtime.ts';
import { GpuWeights } from './gpuWeights.ts';
import { type LoadedOrt, loadWith, type OrtWeb } from './loadedOrt.ts';
import { webRuntime } from './webRuntime.ts';

const wasm = { provider: 'wasm', threads: 1 } as const;
const float = (...shape: readonly number[]) => ({ shape, dtype: 'float32' as const });

beforeAll(async () => {
  await tf.setBackend('cpu');
});

describe('onnxruntime-web itself, on one thread', () => {
  it('runs an engine to the numbers of the eager one, and reads arrays as they are at each run', async () => {
    const x = hostArray([1, 0, 2, -1, 3, 1], [2, 3]);
    const inputs: Readonly<Record<'loss' | 'bias' | 'predict', HostInputs>> = {
      loss: { x },
      bias: { x, rate: 0.125 },
      predict: { x },
    };
    const weights = plantedWeights();
    const run = async (engine: ReturnType<typeof eagerEngine>) => {
      const program = (await engine.compile(plantedFunctions(weights), weights)) as Program<keyof typeof inputs>;
      await program.bind(plantedState());
      const found = [];
      for (const name of ['loss', 'bias', 'bias', 'predict', 'loss'] as const) {
        const { metrics, outputs } = await program.run(name, inputs[name]);
        found.push([metrics, Array.from((outputs.predicted?.data ?? []) as Float32Array)]);
      }
      program.dispose();
      return found;
    };
    expect(await run(engineOn(() => webRuntime(wasm)))).toEqual(await run(eagerEngine()));
    weights.dispose();
  });

  it('refuses a model that is none, and arrays that do not fit', async () => {
    const runtime = await webRuntime(wasm);
    expect(runtime).toMatchObject({ name: 'wasm', version: '1.30.0', threads: 1 });
    const model = modelOf(({ x }: { x: tf.Tensor }) => ({ y: tf.square(x) }), { x: float(2) });
    await expect(runtime.open({ ...model, bytes: Uint8Array.of(1, 2, 3) })).rejects.toThrow(
      'ONNX Runtime refuses the model: ',
    );
    const session = await runtime.open(model);
    expect(() => session.bind([Float32Array.of(1)], [new Float32Array(2)])).toThrow(
      '"x" (float32[2]) is Float32Array of 1, not Float32Array of 2',
    );
    session.release();
  });
});

/** onnxruntime-web as far as the runtime sees it, whose sessions fill their results with `answer`. */
function plantedOrt(answer: (feeds: Readonly<Record<string, unknown>>) => Readonly<Record<string, unknown>>) {
  const log: string[] = [];
  class Tensor {
    constructor(
      readonly dtype: string,
      readonly data: unknown,
      readonly dims: readonly number[],
    ) {}
    static fromGpuBuffer(buffer: unknown, { dims }: { readonly dims: readonly number[] }) {
      return new Tensor('gpu', buffer, dims);
    }
  }
  const session = {
    async run(feeds: Readonly<Record<string, Tensor>>) {
      log.push(`run ${Object.entries(feeds).map(([name, { dtype }]) => `${name}:${dtype}`)}`);
      return answer(feeds);
    },
    release: async () => {
      log.push('release');
    },
  };
  const create = async () => session;
  const env = { wasm: {}, versions: { web: '1.30.0', common: '1.30.0' } };
  return { log, ort: { InferenceSession: { create }, Tensor, env } as unknown as OrtWeb };
}

const right = { product: { data: Float32Array.of(58, 64, 139, 154) } };

describe('a runtime', () => {
  it('names the files that have to be served where onnxruntime-web does not start', async () => {
    const { ort } = plantedOrt(() => right);
    const failing = { ...ort, InferenceSession: { create: () => Promise.reject(new Error('not found')) } };
    const load = async () => failing as unknown as OrtWeb;
    await expect(webRuntime(wasm, (options) => loadWith(load, options))).rejects.toThrow(
      'onnxruntime-web does not start on wasm: not found; serve its files ort-wasm-simd-threaded.wasm and ort-wasm-simd-threaded.mjs beside the bundle, or name their place as browser.wasmPaths.',
    );
    const missing = () => Promise.reject(new Error('no such module'));
    await expect(webRuntime(wasm, (options) => loadWith(missing, options))).rejects.toThrow(
      'onnxruntime-web does not load: no such module.',
    );
  });

  it('is refused where a small product comes out wrong', async () => {
    const { ort } = plantedOrt(() => ({ product: { data: Float32Array.of(58, 64, 139, 0) } }));
    await expect(webRuntime(wasm, (options) => loadWith(async () => ort, options))).rejects.toThrow(
      'ONNX Runtime on wasm computes the product 58,64,139,154 as 58,64,139,0 in this browser; choose another provider.',
    );
  });

  it('says what a run stopped at', async () => {
    let runs = 0;
    const { ort } = plantedOrt(() => {
      if (runs++ > 0) throw new Error('out of memory');
      return right;
    });
    const runtime = await webRuntime(wasm, (options) => loadWith(async () => ort, options));
    const model: Model = { bytes: new Uint8Array(), feeds: [], results: [] };
    const session = await runtime.open(model);
    await expect(session.bind([], []).run()).rejects.toThrow('ONNX Runtime stopped a run: out of memory');
  });

  it('sets the module up before its first session', async () => {
    const { ort } = plantedOrt(() => right);
    await loadWith(async () => ort, { provider: 'wasm', threads: 3, wasmPaths: '/files/' });
    expect(ort.env).toMatchObject({ logLevel: 'error', wasm: { numThreads: 3, wasmPaths: '/files/' } });
  });

  it('keeps what is frozen on the device between bindings, until it is exchanged', async () => {
    const { ort, log } = plantedOrt(() => ({ ...right, y: { data: Float32Array.of(1) } }));
    const alive = new Set<object>();
    const device = {
      createBuffer: () => {
        const buffer = {
          getMappedRange: () => new ArrayBuffer(16),
          unmap: () => {},
          destroy: () => void alive.delete(buffer),
        };
        alive.add(buffer);
        return buffer;
      },
    };
    const gpu = { device, weights: new GpuWeights(device) };
    const load = async (): Promise<LoadedOrt> => ({
      ...(await loadWith(async () => ort, wasm)),
      provider: 'webgpu',
      gpu,
    });
    const runtime = await webRuntime({ provider: 'webgpu', threads: 1 }, load);
    const feeds = [
      { onnxName: 'x', ...float(1) },
      { onnxName: 'w', ...float(1), isFrozen: true },
    ];
    const session = await runtime.open({ bytes: new Uint8Array(), feeds, results: [{ onnxName: 'y', ...float(1) }] });
    const [x, y, before, after] = [Float32Array.of(1), new Float32Array(1), Float32Array.of(2), Float32Array.of(3)];
    const first = session.bind([x, before], [y]);
    await first.run();
    expect(log.at(-1)).toBe('run x:float32,w:gpu');
    expect([...y]).toEqual([1]);
    first.release();
    const [kept] = alive;
    session.bind([x, before], [y]).release();
    expect([...alive]).toEqual([kept]);
    const next = session.bind([x, after], [y]);
    expect(alive.size).toBe(1);
    expect(alive.has(kept as object)).toBe(false);
    next.release();
    session.release();
    expect(alive.size).toBe(0);
    // The probe's session, and this one.
    await expect.poll(() => log.filter((line) => line === 'release')).toHaveLength(2);
  });
});
