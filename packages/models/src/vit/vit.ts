import { type At, type Model, PeftError, type TensorBatch, type Weights } from '@peft/core';
import type * as tf from '@tensorflow/tfjs';
import { checkWeights } from '../checkWeights.ts';
import { norm } from '../norm.ts';
import { embedPatches } from './embedPatches.ts';
import { encoderLayer } from './encoderLayer.ts';
import { readVitConfig, type VitConfig } from './vitConfig.ts';
import { vitLinears, vitParameters } from './vitParameters.ts';
import { vitPaths } from './vitPaths.ts';
import { vitPythonPaths } from './vitPythonPaths.ts';

/** One batch: float32 pixels [images, channels, height, width], normalised as the model was trained (transformers' pixel_values). */
export type VitBatch = TensorBatch & { readonly pixelValues: tf.Tensor };

/**
 * A vision transformer with a classification head on its class token (Dosovitskiy et al. 2021), as transformers'
 * ViTForImageClassification computes it: logits [images, labels].
 * @param config config.json, in Python's names.
 * @param weights by the names of Hugging Face files, dense weights [in, out].
 * @throws PeftError `model/config`, `model/weights`
 */
export function vit(config: Readonly<Record<string, unknown>>, weights: Weights): Model<VitBatch> {
  const geometry = readVitConfig(config);
  checkWeights(weights, vitParameters(geometry));
  return {
    targets: vitLinears(geometry).map(({ path, shape }) => ({ path, kind: 'dense', shape })),
    weights,
    outputHead: [vitPaths.classifier],
    outputSize: geometry.labels,
    inputs: { pixelValues: { dtype: 'float32', shape: ['batch', geometry.channels, ...geometry.imageSize] } },
    pythonPaths: vitPythonPaths(geometry.layers),
    apply: (batch, at) => classify(batch, at, geometry),
  };
}

function classify({ pixelValues }: VitBatch, at: At, config: VitConfig): tf.Tensor {
  checkPixels(pixelValues, config);
  const images = pixelValues.shape[0] as number;
  let tokens = embedPatches(pixelValues, at, config);
  for (let layer = 0; layer < config.layers; layer++) {
    const onlyClassToken = layer === config.layers - 1;
    tokens = encoderLayer(tokens, at, { ...config, sequences: images, onlyClassToken, paths: vitPaths.layer(layer) });
  }
  return at.linear(vitPaths.classifier, norm(tokens, at, { path: vitPaths.norm, epsilon: config.epsilon }));
}

function checkPixels(pixels: tf.Tensor | undefined, { channels, imageSize }: VitConfig): void {
  const expected = `float32 [images, ${channels}, ${imageSize.join(', ')}]`;
  if (pixels === undefined) {
    throw new PeftError('model/batch', `the batch has no column "pixelValues"; a ViT reads ${expected} from it.`);
  }
  const fits = pixels.rank === 4 && `${pixels.shape.slice(1)}` === `${[channels, ...imageSize]}`;
  if (!fits || pixels.dtype !== 'float32') {
    throw new PeftError(
      'model/batch',
      `batch column "pixelValues" is ${pixels.dtype} [${pixels.shape.join(', ')}]; this ViT reads ${expected}.`,
    );
  }
}
