import '@tensorflow/tfjs-backend-wasm';
import * as tf from '@tensorflow/tfjs';
import { expect, it } from 'vitest';
import { toyOptions } from '../test/toyRun.ts';
import { toyModel } from './testing/toyModel.ts';
import { fineTune } from './training/fineTune.ts';

it('warns once per process, and only on the plain JavaScript backend', async () => {
  const warnings: string[] = [];
  const train = async (backend: string) => {
    await tf.setBackend(backend);
    const onWarning = (warning: string) => warnings.push(warning);
    (await fineTune(toyModel(), toyOptions({ steps: 1, onWarning })).result).dispose();
  };
  await train('wasm');
  expect(warnings).toEqual([]);
  await train('cpu');
  await train('cpu');
  expect(warnings).toEqual([
    "training runs on tfjs's plain JavaScript backend, the slowest there is; install @tensorflow/tfjs-backend-wasm, import it and call await tf.setBackend('wasm').",
  ]);
});
