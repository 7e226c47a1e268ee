import { fold, hostArray, type Model, type TensorBatch, Weights } from '@peft/core';
import { uniforms } from '@peft/ops';
import * as tf from '@tensorflow/tfjs';

const sizes = [64, 64, 64, 5];
const layers = sizes.length - 1;

/** A ReLU network 64-64-64-5 without biases, drawn as torch draws linear layers, on batches { x [n, 64] }. */
export function digitsMlp(weights: Weights): Model<TensorBatch> {
  const targets = Array.from({ length: layers }, (_, index) => ({
    path: `layer.${index}`,
    kind: 'dense',
    shape: sizes.slice(index, index + 2),
  }));
  return {
    targets,
    weights,
    outputSize: 5,
    apply(batch, at) {
      let hidden = batch.x as tf.Tensor;
      for (const { path } of targets.slice(0, -1)) hidden = tf.relu(at.linear(path, hidden));
      return at.linear(`layer.${layers - 1}`, hidden);
    },
  };
}

/** Fresh weights of the network, uniform within 1 / sqrt(fan-in). */
export function freshMlpWeights(seed: number): Weights {
  return new Weights(
    Array.from({ length: layers }, (_, index) => {
      const [fanIn, fanOut] = sizes.slice(index, index + 2) as [number, number];
      const draws = uniforms(fold(fold(seed, 'mlp'), index), fanIn * fanOut);
      const values = draws.map((value) => (2 * value - 1) / Math.sqrt(fanIn));
      return [`layer.${index}.weight`, hostArray(values, [fanIn, fanOut])] as const;
    }),
  );
}
