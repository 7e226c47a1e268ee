import { type AnyModel, adamw, batches, fineTune, hostArray, regression, Weights } from '@peft/core';
import { lora } from '@peft/lora';
import { uniforms } from '@peft/ops';
import * as tf from '@tensorflow/tfjs';
import { afterAll, beforeAll, expect, it } from 'vitest';
import { onnxEngine } from '../src/index.ts';

beforeAll(async () => {
  await tf.setBackend('cpu');
});

const engines: { dispose(): void }[] = [];
afterAll(() => {
  for (const engine of engines) engine.dispose();
});

/** Layers whose activations are cheap to compute again and large beside everything else. */
function deepModel(layers: number): AnyModel {
  const shape = [4, 4];
  const paths = Array.from({ length: layers }, (_, index) => `layer.${index}`);
  const arrays = paths.map((path, index) => [`${path}.weight`, hostArray(uniforms(index, 16), shape)] as const);
  return {
    targets: paths.map((path) => ({ path, kind: 'dense', shape })),
    weights: new Weights(arrays),
    apply: ({ x }, at) => paths.reduce((hidden, path) => tf.tanh(tf.relu(at.linear(path, hidden))), x as tf.Tensor),
  };
}

async function losses(memoryBudget?: number): Promise<readonly number[]> {
  const engine = onnxEngine({ threads: 1, ...(memoryBudget !== undefined && { memoryBudget }) });
  engines.push(engine);
  const rows = 512;
  const run = fineTune(deepModel(6), {
    strategy: lora({ rank: 2 }),
    targets: 'all-linear',
    loss: regression(),
    data: batches(
      { x: hostArray(uniforms(1, rows * 4), [rows, 4]), targets: hostArray(uniforms(2, rows * 4), [rows, 4]) },
      { batchSize: rows },
    ),
    steps: 4,
    optimizer: adamw(),
    schedule: 0.01,
    progress: false,
    engine,
  });
  const found: number[] = [];
  for await (const event of run) if (event.type === 'step') found.push(event.loss);
  (await run.result).dispose();
  return found;
}

it('computes results again within a memory budget, to the same bits', async () => {
  const whole = await losses();
  const refusal = await losses(1).then(
    () => '',
    (error: Error) => error.message,
  );
  expect(refusal).toMatch(
    /^the results of a step need at least \d+ bytes at one time, more than the memoryBudget of 1; use smaller batches, or a larger budget\.$/,
  );
  const least = Number(refusal.match(/least (\d+)/)?.[1]);
  expect(await losses(least)).toEqual(whole);
  await expect(losses(least - 1)).rejects.toThrow(`more than the memoryBudget of ${least - 1};`);
});
