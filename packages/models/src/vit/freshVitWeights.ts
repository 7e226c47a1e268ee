import { fold, hostArray, type Seed, sizeOf, Weights } from '@peft/core';
import { normals } from '@peft/ops';
import { readVitConfig } from './vitConfig.ts';
import { vitParameters } from './vitParameters.ts';

/**
 * Weights to train a ViT from, drawn as transformers draws them: matrices, class token and positions normal with
 * standard deviation `initializer_range` (0.02), biases zero, norm gains one. Equal seeds give equal weights.
 * @throws PeftError `model/config`
 */
export function freshVitWeights(config: Readonly<Record<string, unknown>>, seed: Seed): Weights {
  const { initializer_range: deviation = 0.02 } = config as { readonly initializer_range?: number };
  return new Weights(
    [...vitParameters(readVitConfig(config))].map(([path, { shape }]) => {
      const size = sizeOf(shape);
      if (shape.length === 1) return [path, hostArray(new Float32Array(size).fill(path.endsWith('.weight') ? 1 : 0))];
      return [
        path,
        hostArray(
          normals(fold(seed, path), size).map((value) => value * deviation),
          shape,
        ),
      ];
    }),
  );
}
