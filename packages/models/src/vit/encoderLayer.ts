import type { At } from '@peft/core';
import { attention, gelu, geluTanh, layerNorm } from '@peft/ops';
import * as tf from '@tensorflow/tfjs';
import type { VitConfig } from './vitConfig.ts';
import type { vitPaths } from './vitPaths.ts';

type LayerCall = VitConfig & {
  readonly images: number;
  readonly paths: ReturnType<typeof vitPaths.layer>;
  /** Compute the class token alone: what follows reads nothing else. */
  readonly onlyClassToken: boolean;
};

/**
 * One pre-norm encoder layer over tokens [images * length, hidden], rows folded so that products are of matrices:
 * the same tokens, or [images, hidden] where only the class token is wanted.
 */
export function encoderLayer(tokens: tf.Tensor, at: At, call: LayerCall): tf.Tensor {
  const { paths, activation } = call;
  const norm = (path: string, x: tf.Tensor) =>
    layerNorm(x, at.parameter(`${path}.weight`), at.parameter(`${path}.bias`), call.epsilon);
  const attended = tf.add(wantedRows(tokens, call), selfAttention(norm(paths.normBefore, tokens), at, call));
  const activate = activation === 'gelu' ? gelu : geluTanh;
  const intermediate = activate(at.linear(paths.intermediate, norm(paths.normAfter, attended)));
  return tf.add(attended, at.linear(paths.output, intermediate));
}

function selfAttention(x: tf.Tensor, at: At, call: LayerCall): tf.Tensor {
  const { paths, images, heads, hiddenSize } = call;
  // [images * length, hidden] to [images, heads, length, size].
  const split = (path: string, rows: tf.Tensor) =>
    at
      .linear(path, rows)
      .reshape([images, -1, heads, hiddenSize / heads])
      .transpose([0, 2, 1, 3]);
  const mixed = attention(split(paths.query, wantedRows(x, call)), split(paths.key, x), split(paths.value, x));
  return at.linear(paths.attentionOutput, mixed.transpose([0, 2, 1, 3]).reshape([-1, hiddenSize]));
}

function wantedRows(tokens: tf.Tensor, { images, hiddenSize, onlyClassToken }: LayerCall): tf.Tensor {
  if (!onlyClassToken) return tokens;
  return tokens.reshape([images, -1, hiddenSize]).slice([0, 0, 0], [-1, 1, -1]).reshape([images, hiddenSize]);
}
