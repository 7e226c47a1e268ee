import {
  type AnyModel,
  adamw,
  attach,
  batches,
  type FineTuneOptions,
  fineTune,
  hostArray,
  regression,
  type TrainedAdapter,
} from '@peft/core';
import * as tf from '@tensorflow/tfjs';
import { fixtureModel } from './fixtureModel.ts';

const ids = hostArray(Int32Array.of(0, 3, 6, 1, 2, 2, 5, 4), [4, 2]);
const targets = hostArray(
  Float32Array.from({ length: 24 }, (_, index) => Math.sin(index)),
  [4, 2, 3],
);

/** An adapter of nine steps on the model of the fixtures, or on another of its shapes. */
export async function trainFixture(options: Partial<FineTuneOptions>, model?: AnyModel): Promise<TrainedAdapter> {
  const { adapter } = await fineTune(model ?? (await fixtureModel()), {
    targets: ['query'],
    loss: regression(),
    data: batches({ ids, targets }, { batchSize: 4 }),
    steps: 9,
    optimizer: adamw(),
    schedule: 0.05,
    progress: false,
    onWarning: () => {},
    ...options,
  }).result;
  return adapter;
}

/** What such a model with an adapter gives for the batch that it was trained on. */
export async function fixtureOutput(trained: TrainedAdapter, model?: AnyModel): Promise<Float32Array> {
  const adapted = await attach(model ?? (await fixtureModel()), trained);
  const output = tf.tidy(() => adapted.apply({ ids: tf.tensor(ids.data as Int32Array, [4, 2], 'int32') }));
  const values = output.dataSync() as Float32Array;
  output.dispose();
  adapted.dispose();
  return values;
}
