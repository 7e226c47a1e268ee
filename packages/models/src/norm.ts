import type { At } from '@peft/core';
import { layerNorm } from '@peft/ops';
import type * as tf from '@tensorflow/tfjs';

/** The layer norm of a module, over the last axis. */
export function norm(
  x: tf.Tensor,
  at: At,
  { path, epsilon }: { readonly path: string; readonly epsilon: number },
): tf.Tensor {
  return layerNorm(x, at.parameter(`${path}.weight`), at.parameter(`${path}.bias`), epsilon);
}
