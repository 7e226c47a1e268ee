import { hostArray, type Model, Weights } from '@peft/core';
import { normals, type Seed } from '@peft/ops';
import * as tf from '@tensorflow/tfjs';

/** Dense layers one after another with tanh between them, as a model with column `x` in its batches. */
export function layerStack(widths: readonly number[], seed: Seed, nameOf = (index: number) => `l${index}`): Model {
  const targets = widths.slice(1).map((width, index) => ({
    path: nameOf(index),
    kind: 'dense',
    shape: [widths[index] as number, width],
  }));
  const weights = new Weights(
    targets.map(({ path, shape: [rows = 0, columns = 0] }, index) => [
      `${path}.weight`,
      hostArray(
        normals(seed + index, rows * columns).map((value) => value / Math.sqrt(rows)),
        [rows, columns],
      ),
    ]),
  );
  return {
    targets,
    weights,
    apply: (batch, at) =>
      targets.reduce((x, { path }, index) => at.linear(path, index === 0 ? x : tf.tanh(x)), batch.x as tf.Tensor),
  };
}
