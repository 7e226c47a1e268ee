import { type AnyModel, adaptedAt, type HostArray, type TensorBatch, toFloat32, type Weights } from '@peft/core';
import { toyData } from '@peft/core/testing';
import * as tf from '@tensorflow/tfjs';

/** Token ids of toy examples, on the host. */
export const toyIds = (count = 5): { readonly ids: HostArray } => ({ ids: toyData(9, count).ids });

/** The values that a function computes of toy examples. */
export function outputOf(apply: (batch: TensorBatch) => tf.Tensor, { ids } = toyIds()): Float32Array {
  return tf.tidy(() => {
    const batch = { ids: tf.tensor(ids.data as Int32Array, [...ids.shape], 'int32') };
    return (apply(batch).dataSync() as Float32Array).slice();
  });
}

/** All values of some weights by path. */
export function valuesOf(weights: Weights): Readonly<Record<string, Float32Array>> {
  return Object.fromEntries(weights.paths.map((path) => [path, toFloat32(weights.get(path)).slice()]));
}

/** The output for toy examples of a model on these weights, with no adapter. */
export function plainOutput(model: AnyModel, weights: Weights, ids = toyIds()): Float32Array {
  return outputOf((batch) => model.apply(batch, adaptedAt({ weights, modules: model.targets })), ids);
}
