import { once } from 'node:events';
import { Worker } from 'node:worker_threads';
import type { HostSnapshot, TrainingState } from '@peft/core';
import { requireSameSnapshot } from '@peft/core/testing';
import { type AgreementCase, agreementCases, trained } from '@peft/engines';
import * as tf from '@tensorflow/tfjs';
import { build } from 'esbuild';
import { beforeAll, expect, it } from 'vitest';
import { onnxEngine } from '../../src/index.ts';
import { libraryPath } from '../../src/native/libraryPath.ts';
import { nativeRuntime } from '../../src/native/nativeRuntime.ts';

const names = ['LoRA with dropout and accumulation', 'AdaLoRA beside a chain of DoRA and a LoRA'];

const program = `
import { parentPort, workerData } from 'node:worker_threads';
import * as tf from '@tensorflow/tfjs';
import { nativeRuntime } from './src/native/nativeRuntime.ts';
import { onnxEngine } from './src/onnxEngine.ts';
import { agreementCases, trained } from '@peft/engines';

const run = async () => {
  await tf.setBackend('cpu');
  const engine = onnxEngine({ runtime: await nativeRuntime(workerData) });
  for (const name of workerData.names) {
    const { states } = await trained(agreementCases[name], engine);
    parentPort.postMessage({ tensors: states.at(-1).tensors });
  }
};
run();
`;

beforeAll(async () => {
  await tf.setBackend('cpu');
});

it('a run in a worker thread, beside one in this thread, is the same to the bit', async () => {
  const bundled = await build({
    stdin: { contents: program, resolveDir: process.cwd(), loader: 'ts' },
    bundle: true,
    platform: 'node',
    format: 'cjs',
    conditions: ['@peft/source'],
    external: ['koffi', 'onnxruntime-node', '@tensorflow/tfjs'],
    supported: { 'dynamic-import': false },
    logLevel: 'error',
    write: false,
  });
  const library = await libraryPath();
  const worker = new Worker(bundled.outputFiles[0]?.text ?? '', {
    eval: true,
    workerData: { library, threads: 2, names },
  });
  const messages: { readonly tensors: HostSnapshot }[] = [];
  worker.on('message', (message) => messages.push(message));
  const ended = once(worker, 'exit');
  const engine = onnxEngine({ runtime: await nativeRuntime({ library, threads: 2 }) });
  const here: TrainingState[] = [];
  for (const name of names) {
    const { states } = await trained(agreementCases[name] as AgreementCase, engine);
    here.push(states.at(-1) as TrainingState);
  }
  await ended;
  expect(messages).toHaveLength(names.length);
  for (const [index, { tensors }] of here.entries()) {
    requireSameSnapshot(messages[index]?.tensors ?? {}, tensors, { what: names[index] as string });
  }
});
