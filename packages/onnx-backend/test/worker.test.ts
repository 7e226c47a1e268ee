import { once } from 'node:events';
import { Worker } from 'node:worker_threads';
import * as tf from '@tensorflow/tfjs';
import { build } from 'esbuild';
import { beforeAll, expect, it } from 'vitest';
import { libraryPath } from '../src/native/libraryPath.ts';
import { nativeRuntime } from '../src/native/nativeRuntime.ts';
import { modelOf } from './tinyModels.ts';

/** Runs a model a few times over the weights it was sent, and sends what came out. */
const program = `
import { parentPort, workerData } from 'node:worker_threads';
import { nativeRuntime } from './src/native/nativeRuntime.ts';

const { library, model, weights } = workerData;
const run = async () => {
  const runtime = await nativeRuntime({ library, threads: 1 });
  const session = await runtime.open(model);
  const result = new Float32Array(2);
  const binding = session.bind([weights], [result]);
  for (let turn = 0; turn < 100; turn++) await binding.run();
  binding.release();
  session.release();
  parentPort.postMessage({ result, handles: { ...runtime.handles } });
};
run();
`;

beforeAll(async () => {
  await tf.setBackend('cpu');
});

it('runs in worker threads at once, over weights that all of them share', async () => {
  const bundled = await build({
    stdin: { contents: program, resolveDir: process.cwd(), loader: 'ts' },
    bundle: true,
    platform: 'node',
    format: 'cjs',
    external: ['koffi'],
    supported: { 'dynamic-import': false },
    logLevel: 'error',
    write: false,
  });
  const code = bundled.outputFiles[0]?.text ?? '';
  const library = await libraryPath();
  const runtime = await nativeRuntime({ library, threads: 1 });
  const weights = new Float32Array(new SharedArrayBuffer(8));
  weights.set([1, 2]);
  const type = { shape: [2], dtype: 'float32' } as const;
  const model = modelOf(({ w }: Record<'w', tf.Tensor>) => ({ y: tf.mul(w, 2) }), { w: type });
  const session = await runtime.open(model);
  const result = new Float32Array(2);
  const binding = session.bind([weights], [result]);
  const workers = [0, 1].map(() => new Worker(code, { eval: true, workerData: { library, model, weights } }));
  const ends = workers.map((worker) => Promise.all([once(worker, 'message'), once(worker, 'exit')]));
  for (let turn = 0; turn < 100; turn++) await binding.run();
  const none = { SessionOptions: 0, Session: 0, Value: 0, IoBinding: 0 };
  for (const [[message]] of await Promise.all(ends)) {
    expect(message).toEqual({ result: Float32Array.of(2, 4), handles: none });
  }
  weights[0] = 5;
  await binding.run();
  expect(result).toEqual(Float32Array.of(10, 4));
  binding.release();
  session.release();
});
