import { layerKindOf, type Target } from '@peft/core';
import * as tf from '@tensorflow/tfjs';
import { scaled } from './scaled.ts';

/** A weight and the pair that changes it. */
export type Change = {
  readonly weight: tf.Tensor;
  readonly a: tf.Tensor;
  readonly b: tf.Tensor;
  readonly scaling: number;
};

/** weight + scaling a.b, in the weight's shape. */
export function changedWeight(target: Target, { weight, a, b, scaling }: Change): tf.Tensor {
  return tf.add(weight, layerKindOf(target).delta(a, scaled(b, scaling)));
}
