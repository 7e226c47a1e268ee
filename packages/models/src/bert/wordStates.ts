import type { At } from '@peft/core';
import type * as tf from '@tensorflow/tfjs';
import { activations } from '../activation.ts';
import { norm } from '../norm.ts';
import type { BertConfig } from './bertConfig.ts';
import { bertPaths } from './bertPaths.ts';

/** What the word head reads of tokens [rows, hidden]: as many, transformed. */
export function wordStates(tokens: tf.Tensor, at: At, config: BertConfig): tf.Tensor {
  const { wordHeadDense, wordHeadNorm } = bertPaths(config);
  const activated = activations[config.activation](at.linear(wordHeadDense, tokens));
  return norm(activated, at, { path: wordHeadNorm, epsilon: config.epsilon });
}
