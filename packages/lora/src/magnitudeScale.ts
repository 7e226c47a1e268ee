import { layerKindOf, type Target } from '@peft/core';
import * as tf from '@tensorflow/tfjs';
import { type Change, changedWeight } from './changedWeight.ts';
import { withoutGradient } from './withoutGradient.ts';

/** The norm per output feature [out] of the changed weight: where DoRA's magnitude starts. */
export function changedNorm(target: Target, change: Change): tf.Tensor1D {
  return layerKindOf(target).outputNorm(changedWeight(target, change));
}

/** magnitude / norm [out]; the norm is a constant to the gradient (DoRA, section 4.3), as in Python PEFT. */
export function magnitudeScale(target: Target, change: Change & { readonly magnitude: tf.Tensor }): tf.Tensor {
  const norm = withoutGradient(() => changedNorm(target, change));
  return tf.div(change.magnitude, norm);
}
