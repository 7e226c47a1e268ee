import type { At } from '@peft/core';
import { matMul } from '@peft/ops';
import * as tf from '@tensorflow/tfjs';
import type { VitConfig } from './vitConfig.ts';
import { vitPaths } from './vitPaths.ts';

/** Pixels [images, channels, height, width] to tokens [images * (1 + patches), hidden], the class token first. */
export function embedPatches(pixels: tf.Tensor, at: At, config: VitConfig): tf.Tensor {
  const { hiddenSize } = config;
  const images = pixels.shape[0] as number;
  const patches = matMul(unfold(pixels, config), at.parameter(`${vitPaths.patches}.weight`));
  const biased = tf.add(patches, at.parameter(`${vitPaths.patches}.bias`));
  const classToken = tf.tile(at.parameter(vitPaths.classToken), [images, 1, 1]);
  const tokens = tf.concat([classToken, biased.reshape([images, -1, hiddenSize])], 1);
  return tf.add(tokens, at.parameter(vitPaths.positions)).reshape([-1, hiddenSize]);
}

/** The pixels of each patch as one row, in the order of torch's convolution kernel: [images * patches, channels * height * width]. */
function unfold(pixels: tf.Tensor, { channels, imageSize, patchSize }: VitConfig): tf.Tensor {
  const [height, width] = patchSize;
  const rows = imageSize[0] / height;
  const columns = imageSize[1] / width;
  return pixels
    .reshape([-1, channels, rows, height, columns, width])
    .transpose([0, 2, 4, 1, 3, 5])
    .reshape([-1, channels * height * width]);
}
