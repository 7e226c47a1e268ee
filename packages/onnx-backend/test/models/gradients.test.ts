import {
  type AnyStrategy,
  type Engine,
  eagerEngine,
  type FineTuneOptions,
  fineTune,
  type HostArray,
  sgd,
  type TrainingState,
} from '@peft/core';
import { requireClose } from '@peft/core/testing';
import { lora } from '@peft/lora';
import * as tf from '@tensorflow/tfjs';
import { beforeAll, describe, expect, it } from 'vitest';
import { onnxEngine } from '../../src/index.ts';
import { type ToyTransformer, toyTransformers } from './toyTransformers.ts';

const engine = onnxEngine();

beforeAll(async () => {
  await tf.setBackend('cpu');
});

/** The gradient of every trained leaf: what momentum holds after one step. */
async function gradientsOf({ model, loss, batch }: ToyTransformer, options: Partial<FineTuneOptions>, on: Engine) {
  const saves: TrainingState[] = [];
  const run = fineTune(model, {
    loss,
    data: { batchesPerEpoch: 1, batches: () => [batch] },
    steps: 1,
    optimizer: sgd({ momentum: 0.9 }),
    schedule: 1e-3,
    seed: 2,
    progress: false,
    onWarning: () => {},
    checkpoints: {
      every: 1,
      store: { save: async (state) => void saves.push(structuredClone(state)), load: async () => undefined },
    },
    ...options,
    engine: on,
  });
  (await run.result).dispose();
  model.weights.dispose();
  const leaves = Object.entries(saves[0]?.tensors ?? {}).filter(([path]) => path.endsWith('/velocity'));
  return new Map(leaves.map(([path, leaf]) => [path, (leaf as HostArray).data as Float32Array]));
}

const rootsOf = ({ model }: ToyTransformer) => [...new Set(model.weights.paths.map((path) => path.split('.')[0]))];

const normOf = (values: Float32Array) => Math.hypot(...values);
/** A bias of keys adds the same to all scores of a query, so its gradient is what rounding leaves of zero. */
const isWithoutEffect = (path: string) => /\.(key|k_proj)\.bias\//.test(path);

const trainings: Readonly<Record<string, (toy: ToyTransformer) => Partial<FineTuneOptions>>> = {
  // Orthogonal factors begin with both halves uneven, so that both have a gradient.
  'every linear layer and embedding adapted': ({ model }) => ({
    strategy: lora({ rank: 4, init: 'orthogonal' }) as AnyStrategy,
    targets: model.targets.map(({ path }) => path),
  }),
  'every parameter trained': (toy) => ({ modulesToSave: rootsOf(toy) as readonly string[] }),
};

describe.each(Object.entries(toyTransformers))('%s: compiled gradients are the eager ones', (_name, make) => {
  it.each(Object.entries(trainings))('%s', async (_training, optionsOf) => {
    const eager = await gradientsOf(make(), optionsOf(make()), eagerEngine());
    const compiled = await gradientsOf(make(), optionsOf(make()), engine);
    expect([...compiled.keys()]).toEqual([...eager.keys()]);
    expect(eager.size).toBeGreaterThan(20);
    const size = Math.hypot(...[...eager.values()].map(normOf));
    for (const [path, expected] of eager) {
      const found = compiled.get(path) ?? new Float32Array();
      if (!isWithoutEffect(path)) requireClose(found, expected, { what: path, tolerance: 1e-5 });
      else expect([path, normOf(found) < 1e-6 * size, normOf(expected) < 1e-6 * size]).toEqual([path, true, true]);
    }
  });
});
