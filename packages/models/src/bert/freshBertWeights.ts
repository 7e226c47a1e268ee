import { type Seed, Weights } from '@peft/core';
import { freshWeights, initializerRange } from '../freshWeights.ts';
import { quickNormals } from '../quickNormals.ts';
import { readBertConfig } from './bertConfig.ts';
import { bertParameters } from './bertParameters.ts';
import { bertPaths } from './bertPaths.ts';

/**
 * Weights to train a BERT from, drawn as transformers draws them: matrices and tables normal with standard deviation
 * `initializer_range` (0.02), biases and the word embedding of `pad_token_id` zero, norm gains one. Equal seeds give
 * equal weights.
 * @throws PeftError `model/config`
 */
export function freshBertWeights(config: Readonly<Record<string, unknown>>, seed: Seed): Weights {
  const geometry = readBertConfig(config);
  const weights = new Weights(
    freshWeights(bertParameters(geometry), { deviation: initializerRange(config), seed, draw: quickNormals }),
  );
  const { pad_token_id: padding = 0 } = config;
  if (typeof padding === 'number') {
    const words = weights.get(`${bertPaths(geometry).words}.weight`).data as Float32Array;
    words.fill(0, padding * geometry.hiddenSize, (padding + 1) * geometry.hiddenSize);
  }
  return weights;
}
