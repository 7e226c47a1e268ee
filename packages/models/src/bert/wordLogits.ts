import type { At } from '@peft/core';
import { matMul } from '@peft/ops';
import * as tf from '@tensorflow/tfjs';
import { activations } from '../activation.ts';
import { norm } from '../norm.ts';
import type { BertConfig } from './bertConfig.ts';
import { bertPaths } from './bertPaths.ts';

/** The masked-language head, tied to the word embeddings: tokens [rows, hidden] to logits [rows, vocabulary]. */
export function wordLogits(tokens: tf.Tensor, at: At, config: BertConfig): tf.Tensor {
  const paths = bertPaths(config);
  const activated = activations[config.activation](at.linear(paths.wordHeadDense, tokens));
  const transformed = norm(activated, at, { path: paths.wordHeadNorm, epsilon: config.epsilon });
  const scores = matMul(transformed, at.parameter(`${paths.words}.weight`), false, true);
  return tf.add(scores, at.parameter(paths.wordHeadBias));
}
