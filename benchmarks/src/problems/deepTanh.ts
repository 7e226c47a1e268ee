import { type DataSource, fold, type HostBatch, hostArray, type Model, type TensorBatch, Weights } from '@peft/core';
import { normals } from '@peft/ops';
import * as tf from '@tensorflow/tfjs';
import { type Matrix, matrixOf, multiply } from './matrix.ts';

/** Residual layers h + tanh(h W) of one width, on batches { x [n, width] }. */
export function deepTanh(layers: readonly Matrix[]): Model<TensorBatch> {
  const targets = layers.map(({ rows, columns }, index) => ({
    path: `layer.${index}`,
    kind: 'dense',
    shape: [rows, columns],
  }));
  return {
    targets,
    weights: new Weights(
      layers.map(({ values, rows, columns }, index) => [
        `layer.${index}.weight`,
        hostArray(Float32Array.from(values), [rows, columns]),
      ]),
    ),
    apply: (batch, at) =>
      targets.reduce<tf.Tensor>(
        (hidden, { path }) => tf.add(hidden, tf.tanh(at.linear(path, hidden))),
        batch.x as tf.Tensor,
      ),
  };
}

/** Random layers with entries of deviation 1 / sqrt(width). */
export function randomLayers(seed: number, { width, count }: { readonly width: number; readonly count: number }) {
  return Array.from({ length: count }, (_, index) => {
    const draws = normals(fold(fold(seed, 'layer'), index), width * width);
    return matrixOf(width, width, (row, column) => (draws[row * width + column] as number) / Math.sqrt(width));
  });
}

/** What the layers make of normal inputs drawn from the seed. */
export function tanhBatch(layers: readonly Matrix[], rows: number, seed: number): HostBatch {
  const width = layers[0]?.rows ?? 0;
  const x = normals(seed, rows * width);
  let hidden: Matrix = { rows, columns: width, values: Float64Array.from(x) };
  for (const layer of layers) {
    const { values } = multiply(hidden, layer);
    hidden = { rows, columns: width, values: hidden.values.map((value, i) => value + Math.tanh(values[i] as number)) };
  }
  return { x: hostArray(x, [rows, width]), y: hostArray(Float32Array.from(hidden.values), [rows, width]) };
}

/** Fresh batches of what the layers do, for every step. */
export function tanhStream(layers: readonly Matrix[], rows: number): DataSource {
  return {
    *batches(epoch, seed, skip) {
      for (let index = skip; ; index++) yield tanhBatch(layers, rows, fold(fold(fold(seed, 'stream'), epoch), index));
    },
  };
}
