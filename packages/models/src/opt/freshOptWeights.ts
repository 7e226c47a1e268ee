import { type Seed, Weights } from '@peft/core';
import { freshWeights, initializerRange } from '../freshWeights.ts';
import { quickNormals } from '../quickNormals.ts';
import { readOptConfig } from './optConfig.ts';
import { optParameters } from './optParameters.ts';
import { optPaths } from './optPaths.ts';

/**
 * Weights to train an OPT from, drawn as transformers draws them: matrices and tables normal with standard deviation
 * `init_std` (0.02), biases and the row of `pad_token_id` zero, norm gains one. Equal seeds give equal weights.
 * @throws PeftError `model/config`
 */
export function freshOptWeights(config: Readonly<Record<string, unknown>>, seed: Seed): Weights {
  const geometry = readOptConfig(config);
  const deviation = initializerRange(config, 'init_std');
  const weights = new Weights(freshWeights(optParameters(geometry), { deviation, seed, draw: quickNormals }));
  const { padToken, embeddingSize } = geometry;
  if (padToken !== undefined) {
    const table = weights.get(`${optPaths.tokens}.weight`).data as Float32Array;
    table.fill(0, padToken * embeddingSize, (padToken + 1) * embeddingSize);
  }
  return weights;
}
