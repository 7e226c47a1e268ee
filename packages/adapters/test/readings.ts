import { type AnyModel, adaptedAt, type HostArray, type TensorBatch, toFloat32, Weights } from '@peft/core';
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

/** The same model with its weights stored as bfloat16. */
export function narrowed(model: AnyModel): AnyModel {
  const arrays = model.weights.paths.map((path): [string, HostArray] => {
    const { shape } = model.weights.get(path);
    const words = new Uint32Array(toFloat32(model.weights.get(path)).slice().buffer);
    return [path, { dtype: 'bfloat16', shape, data: Uint16Array.from(words, (word) => word >>> 16) }];
  });
  return { ...model, weights: new Weights(arrays) };
}
