import { hostArray, type Model, type TensorBatch, Weights } from '@peft/core';
import * as tf from '@tensorflow/tfjs';
import { type Matrix, squaredDistance, squaredNorm } from './matrix.ts';

/** Path of the map with this index. */
export const mapPath = (index: number) => `map.${index}`;

/** Linear maps of one input, all zero: batches { x [n, in] } to their outputs side by side [n, maps * out]. */
export function linearMaps(planted: readonly Matrix[]): Model<TensorBatch> {
  const targets = planted.map(({ rows, columns }, index) => ({
    path: mapPath(index),
    kind: 'dense',
    shape: [rows, columns],
  }));
  const zeros = targets.map(
    ({ path, shape }) =>
      [`${path}.weight`, hostArray(new Float32Array((shape[0] ?? 0) * (shape[1] ?? 0)), shape)] as const,
  );
  return {
    targets,
    weights: new Weights(zeros),
    apply(batch, at) {
      const outputs = targets.map(({ path }) => at.linear(path, batch.x as tf.Tensor));
      return outputs.length === 1 ? (outputs[0] as tf.Tensor) : tf.concat(outputs, 1);
    },
  };
}

/** Squared distance of the maps from the planted ones over the planted squared norm. */
export function residualOf(weights: Weights, planted: readonly Matrix[]): number {
  const distance = planted.map((matrix, index) =>
    squaredDistance(weights.get(`${mapPath(index)}.weight`).data as Float32Array, matrix.values),
  );
  const sum = (values: readonly number[]) => values.reduce((total, value) => total + value, 0);
  return sum(distance) / sum(planted.map(({ values }) => squaredNorm(values)));
}
