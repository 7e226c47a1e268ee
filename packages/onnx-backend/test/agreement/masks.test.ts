import {
  type AnyModel,
  type AnyStrategy,
  type Engine,
  eagerEngine,
  fineTune,
  type HostArray,
  hostArray,
  type Loss,
  layerKindOf,
  sgd,
  Weights,
} from '@peft/core';
import * as tf from '@tensorflow/tfjs';
import { beforeAll, expect, it } from 'vitest';
import { onnxEngine } from '../../src/index.ts';

beforeAll(async () => {
  await tf.setBackend('cpu');
});

const paths = ['first', 'second'] as const;
const shape = [6, 40];
const steps = 50;
const accumulate = 2;

/** A parameter for each element of a layer's output, through dropout: its gradient is the mask. */
const masked = (rate: number): AnyStrategy => ({
  name: 'masked',
  init: ({ targets }) => ({
    params: Object.fromEntries(targets.map(({ path }) => [path, { sum: tf.zeros(shape) }])),
    state: {},
  }),
  forward({ params }, target, { output, dropoutKey }) {
    const { sum } = params[target.path] as { sum: tf.Tensor };
    return tf.add(output, layerKindOf(target).dropout(sum, rate, dropoutKey));
  },
  merge: (_adapter, _target, weight) => weight,
});

const model: AnyModel = {
  targets: paths.map((path) => ({ path, kind: 'dense', shape: [2, 40] })),
  weights: new Weights(paths.map((path) => [`${path}.weight`, hostArray(new Float32Array(80), [2, 40])])),
  apply: ({ x }, at) => tf.add(at.linear('first', x as tf.Tensor), at.linear('second', x as tf.Tensor)),
};
const loss: Loss = { name: 'sum', count: () => 1, sum: (output) => tf.sum(output) as tf.Scalar };
const batch = { x: hostArray(new Float32Array(12), [6, 2]) };

/** What each step took from the parameters: the mean of its two masks, by target. */
async function masksOf(engine: Engine, rate: number): Promise<readonly Float32Array[]> {
  const sums: Float32Array[] = [];
  const run = fineTune(model, {
    strategy: masked(rate),
    targets: 'all-linear',
    loss,
    data: { batchesPerEpoch: 1, batches: () => [batch] },
    steps,
    accumulate,
    optimizer: sgd(),
    schedule: 1,
    seed: 11,
    engine,
    progress: false,
    onWarning: () => {},
    checkpoints: {
      every: 1,
      store: {
        save: async ({ tensors }) => {
          const leaves = paths.map((path) => (tensors[`adapter/${path}/sum`] as HostArray).data as Float32Array);
          sums.push(Float32Array.from(leaves.flatMap((leaf) => [...leaf])));
        },
        load: async () => undefined,
      },
    },
  });
  (await run.result).dispose();
  return sums.map((sum, step) => sum.map((value, index) => (sums[step - 1]?.[index] ?? 0) - value));
}

it('100 masks of a run are those of the eager run to the bit, and no two are equal', async () => {
  const eager = await masksOf(eagerEngine(), 0.5);
  const compiled = await masksOf(onnxEngine(), 0.5);
  // Halves of 0 or 2 are added in whole numbers: nothing rounds, so one other bit of a mask would show.
  expect(compiled).toEqual(eager);
  expect(new Set(compiled.flatMap((step) => [...step]))).toEqual(new Set([0, 1, 2]));
  const ofTargets = compiled.flatMap((step) => [step.slice(0, 240).join(), step.slice(240).join()]);
  expect(new Set(ofTargets).size).toBe(2 * steps);
});

it('keeps the share that the rate leaves, the same elements as eager', async () => {
  const kept = (masks: readonly Float32Array[]) =>
    masks.map((step) => [...step].map((value) => Math.round(value / 0.55)));
  const [eager, compiled] = [await masksOf(eagerEngine(), 0.1), await masksOf(onnxEngine(), 0.1)];
  expect(kept(compiled)).toEqual(kept(eager));
  const shares = kept(compiled).flat();
  expect(shares.reduce((sum, count) => sum + count, 0) / shares.length / accumulate).toBeCloseTo(0.9, 1.5);
});
