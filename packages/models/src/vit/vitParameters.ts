import type { ModelParameter } from '@peft/checkpoint';
import { sizeOf } from '@peft/core';
import type { VitConfig } from './vitConfig.ts';
import { vitPaths } from './vitPaths.ts';

/** Every parameter of a ViT with a classification head, by the name it has in a Hugging Face file. */
export function vitParameters(config: VitConfig): ReadonlyMap<string, ModelParameter> {
  const { hiddenSize, channels, patchSize, imageSize } = config;
  const parameters = new Map<string, ModelParameter>();
  const vector = (path: string, length: number) => parameters.set(path, { shape: [length] });
  const norm = (path: string) => {
    vector(`${path}.weight`, hiddenSize);
    vector(`${path}.bias`, hiddenSize);
  };

  const patches = (imageSize[0] / patchSize[0]) * (imageSize[1] / patchSize[1]);
  const patchAxes = [channels, ...patchSize];
  parameters.set(vitPaths.classToken, { shape: [1, 1, hiddenSize] });
  parameters.set(vitPaths.positions, { shape: [1, patches + 1, hiddenSize] });
  parameters.set(`${vitPaths.patches}.weight`, { shape: [sizeOf(patchAxes), hiddenSize], inputAxes: patchAxes });
  vector(`${vitPaths.patches}.bias`, hiddenSize);
  for (const { path, shape, hasBias } of vitLinears(config)) {
    parameters.set(`${path}.weight`, { shape, inputAxes: [shape[0]] });
    if (hasBias) vector(`${path}.bias`, shape[1]);
  }
  for (let layer = 0; layer < config.layers; layer++) {
    norm(vitPaths.layer(layer).normBefore);
    norm(vitPaths.layer(layer).normAfter);
  }
  norm(vitPaths.norm);
  return parameters;
}

/** Every linear layer of a ViT, [in, out], in the order of the forward pass. */
export function vitLinears(config: VitConfig) {
  const { hiddenSize, intermediateSize, hasQkvBias } = config;
  const linear = (path: string, shape: readonly [number, number], hasBias = true) => ({ path, shape, hasBias });
  const layers = Array.from({ length: config.layers }, (_, index) => {
    const layer = vitPaths.layer(index);
    return [
      linear(layer.query, [hiddenSize, hiddenSize], hasQkvBias),
      linear(layer.key, [hiddenSize, hiddenSize], hasQkvBias),
      linear(layer.value, [hiddenSize, hiddenSize], hasQkvBias),
      linear(layer.attentionOutput, [hiddenSize, hiddenSize]),
      linear(layer.intermediate, [hiddenSize, intermediateSize]),
      linear(layer.output, [intermediateSize, hiddenSize]),
    ];
  });
  return [...layers.flat(), linear(vitPaths.classifier, [hiddenSize, config.labels])];
}
