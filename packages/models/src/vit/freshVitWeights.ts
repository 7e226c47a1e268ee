import { type Seed, Weights } from '@peft/core';
import { freshWeights, initializerRange } from '../freshWeights.ts';
import { readVitConfig } from './vitConfig.ts';
import { vitParameters } from './vitParameters.ts';

/**
 * Weights to train a ViT from, drawn as transformers draws them: matrices, class token and positions normal with
 * standard deviation `initializer_range` (0.02), biases zero, norm gains one. Equal seeds give equal weights.
 * @throws PeftError `model/config`
 */
export function freshVitWeights(config: Readonly<Record<string, unknown>>, seed: Seed): Weights {
  return new Weights(freshWeights(vitParameters(readVitConfig(config)), { deviation: initializerRange(config), seed }));
}
