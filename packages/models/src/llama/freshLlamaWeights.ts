import { type Seed, Weights } from '@peft/core';
import { freshWeights, initializerRange } from '../freshWeights.ts';
import { quickNormals } from '../quickNormals.ts';
import { readLlamaConfig } from './llamaConfig.ts';
import { llamaParameters } from './llamaParameters.ts';
import { llamaPaths } from './llamaPaths.ts';

/**
 * Weights to train a Llama from, drawn as transformers draws them: matrices and the table normal with standard deviation
 * `initializer_range` (0.02), biases and the row of `pad_token_id` zero, norm gains one. Equal seeds give equal weights.
 * @throws PeftError `model/config`
 */
export function freshLlamaWeights(config: Readonly<Record<string, unknown>>, seed: Seed): Weights {
  const geometry = readLlamaConfig(config);
  const deviation = initializerRange(config);
  const weights = new Weights(freshWeights(llamaParameters(geometry), { deviation, seed, draw: quickNormals }));
  const { padToken, hiddenSize } = geometry;
  if (padToken !== undefined) {
    const table = weights.get(`${llamaPaths.tokens}.weight`).data as Float32Array;
    table.fill(0, padToken * hiddenSize, (padToken + 1) * hiddenSize);
  }
  return weights;
}
