import type { At } from '@peft/core';
import { attention, gelu, geluTanh, layerNorm } from '@peft/ops';
import * as tf from '@tensorflow/tfjs';
import type { VitConfig } from './vitConfig.ts';
import type { vitPaths } from './vitPaths.ts';

type LayerCall = VitConfig & { readonly images: number; readonly paths: ReturnType<typeof vitPaths.layer> };

/** One pre-norm encoder layer over tokens [images * length, hidden]; rows stay folded, so that products are of matrices. */
export function encoderLayer(tokens: tf.Tensor, at: At, call: LayerCall): tf.Tensor {
  const { paths, activation } = call;
  const norm = (path: string, x: tf.Tensor) =>
    layerNorm(x, at.parameter(`${path}.weight`), at.parameter(`${path}.bias`), call.epsilon);
  const attended = tf.add(tokens, selfAttention(norm(paths.normBefore, tokens), at, call));
  const activate = activation === 'gelu' ? gelu : geluTanh;
  const intermediate = activate(at.linear(paths.intermediate, norm(paths.normAfter, attended)));
  return tf.add(attended, at.linear(paths.output, intermediate));
}

function selfAttention(x: tf.Tensor, at: At, { paths, images, heads, hiddenSize }: LayerCall): tf.Tensor {
  // [images * length, hidden] to [images, heads, length, size].
  const split = (path: string) =>
    at
      .linear(path, x)
      .reshape([images, -1, heads, hiddenSize / heads])
      .transpose([0, 2, 1, 3]);
  const mixed = attention(split(paths.query), split(paths.key), split(paths.value));
  return at.linear(paths.attentionOutput, mixed.transpose([0, 2, 1, 3]).reshape([-1, hiddenSize]));
}
