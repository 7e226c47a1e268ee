import { type Seed, Weights } from '@peft/core';
import { freshWeights, initializerRange } from '../freshWeights.ts';
import { quickNormals } from '../quickNormals.ts';
import { readGpt2Config } from './gpt2Config.ts';
import { gpt2Parameters } from './gpt2Parameters.ts';

/**
 * Weights to train a GPT-2 from, drawn as transformers draws them: matrices and tables normal with standard deviation
 * `initializer_range` (0.02), those that end a residual branch divided by the root of their number, biases zero, norm
 * gains one. Equal seeds give equal weights.
 * @throws PeftError `model/config`
 */
export function freshGpt2Weights(config: Readonly<Record<string, unknown>>, seed: Seed): Weights {
  const geometry = readGpt2Config(config);
  const parameters = [...gpt2Parameters(geometry)];
  const deviation = initializerRange(config);
  const endsBranch = (path: string) => path.endsWith('.c_proj.weight');
  const branches = 2 * geometry.layers;
  return new Weights([
    ...freshWeights(
      parameters.filter(([path]) => !endsBranch(path)),
      { deviation, seed, draw: quickNormals },
    ),
    ...freshWeights(
      parameters.filter(([path]) => endsBranch(path)),
      {
        deviation: deviation / Math.sqrt(branches),
        seed,
        draw: quickNormals,
      },
    ),
  ]);
}
