import { setFlagsFromString } from 'node:v8';
import { runInNewContext } from 'node:vm';
import { adalora } from '@peft/adalora';
import { cola } from '@peft/cola';
import { type AnyStrategy, adamw, batches, fineTune, regression } from '@peft/core';
import { toyData, toyModel } from '@peft/core/testing';
import * as tf from '@tensorflow/tfjs';
import { beforeAll, expect, it } from 'vitest';
import { nativeRuntime } from '../src/native/nativeRuntime.ts';
import { onnxEngine } from '../src/onnxEngine.ts';

const links = 10;
const linkLength = 32;
/** Engines keep a few sessions of former links; memory settles once those are full. */
const warmUp = 5 * linkLength;

setFlagsFromString('--expose-gc');
const collect = runInNewContext('gc') as () => void;

beforeAll(async () => {
  await tf.setBackend('cpu');
});

interface Sample {
  readonly step: number;
  readonly tensors: number;
  readonly buffers: number;
  readonly handles: number;
  /** Bytes that JavaScript holds, its buffers outside the heap among them. */
  readonly bytes: number;
}

function slopeOf(points: readonly (readonly [x: number, y: number])[]): number {
  const mean = (axis: 0 | 1) => points.reduce((sum, point) => sum + point[axis], 0) / points.length;
  const [x, y] = [mean(0), mean(1)];
  const covariance = points.reduce((sum, point) => sum + (point[0] - x) * (point[1] - y), 0);
  return covariance / points.reduce((sum, point) => sum + (point[0] - x) ** 2, 0);
}

it('over 320 steps, 9 knots, as many compactions and 80 evaluations nothing grows, and in the end nothing is left', async () => {
  const runtime = await nativeRuntime({ threads: 1 });
  const engine = onnxEngine({ runtime });
  const handlesNow = () => Object.values(runtime.handles).reduce((sum, count) => sum + count, 0);
  const before = { tensors: tf.memory().numTensors, buffers: tf.memory().numDataBuffers, handles: handlesNow() };
  const samples: Sample[] = [];
  const model = toyModel();
  const link = adalora({ initRank: 3, targetRank: 1, warmupSteps: 4, finalSteps: 8 });
  const run = fineTune(model, {
    strategy: cola(link, { links }) as AnyStrategy,
    targets: ['embed', 'query'],
    modulesToSave: ['head'],
    loss: regression(),
    data: batches(toyData(), { batchSize: 6 }),
    evaluation: { data: batches(toyData(4, 9), { batchSize: 4 }), every: 4 },
    steps: links * linkLength,
    accumulate: 2,
    optimizer: adamw(),
    schedule: 1e-3,
    keepLinks: false,
    engine,
    progress: false,
    onWarning: () => {},
    onEvent(event) {
      // Where every link has all its ranks.
      if (event.type !== 'step' || event.step % 8 !== 3 || event.step % linkLength > 20) return;
      collect();
      const { heapUsed, arrayBuffers } = process.memoryUsage();
      const { numTensors: tensors, numDataBuffers: buffers } = tf.memory();
      samples.push({ step: event.step, tensors, buffers, handles: handlesNow(), bytes: heapUsed + arrayBuffers });
    },
  });
  (await run.result).dispose();
  const late = samples.filter(({ step }) => step > warmUp);
  expect(late).toHaveLength((links / 2) * 3);
  for (const count of ['tensors', 'buffers'] as const) {
    expect(new Set(late.map((sample) => sample[count])), count).toEqual(new Set([late[0]?.[count]]));
  }
  // Sessions kept at hand come and go; what a program leaves behind would add up, dozens at each knot.
  const handles = late.map((sample) => sample.handles);
  expect(Math.max(...handles) - Math.min(...handles)).toBeLessThanOrEqual(8);
  // Optimised code and its profiles still grow a little, under the eager engine too.
  expect(slopeOf(late.map(({ step, bytes }) => [step, bytes]))).toBeLessThan(8192);

  engine.dispose();
  model.weights.dispose();
  await new Promise((resolve) => setTimeout(resolve, 20));
  const after = { tensors: tf.memory().numTensors, buffers: tf.memory().numDataBuffers, handles: handlesNow() };
  expect(after).toEqual(before);
});
