import {
  type AnyModel,
  type AnyStrategy,
  adamw,
  adaptedAt,
  batches,
  classification,
  type Engine,
  fineTune,
  fold,
  hostArray,
  sizeOf,
  Weights,
} from '@peft/core';
import { lora } from '@peft/lora';
import { freshVitWeights, vit } from '@peft/models';
import { uniforms } from '@peft/ops';
import * as tf from '@tensorflow/tfjs';
import { capture, type Graph } from '../src/index.ts';
import { hostWeights } from './toySteps.ts';

const config = {
  hidden_size: 32,
  num_hidden_layers: 2,
  num_attention_heads: 4,
  intermediate_size: 64,
  hidden_act: 'gelu',
  layer_norm_eps: 1e-6,
  image_size: 8,
  patch_size: 2,
  num_channels: 3,
  num_labels: 5,
};

/** A ViT of two layers whose weights are the same bits on every platform. */
export function smallVit(): AnyModel {
  const fresh = freshVitWeights(config, 3);
  const even = fresh.paths.map((path) => {
    const { shape } = fresh.get(path);
    const values = uniforms(fold(3, path), sizeOf(shape)).map((u) => (u - 0.5) * 0.4);
    return [path, hostArray(values, shape)] as const;
  });
  return vit(config, new Weights(even)) as unknown as AnyModel;
}

/** The logits of images as a graph. */
export function vitForward(model: AnyModel, count = 3): Graph {
  const forward = ({ pixelValues }: { pixelValues: tf.Tensor }) => ({
    logits: model.apply({ pixelValues }, adaptedAt({ weights: model.weights, modules: model.targets })),
  });
  const inputs = { pixelValues: { shape: [count, 3, 8, 8], dtype: 'float32' } };
  return capture(forward as never, { inputs, parameters: hostWeights(model) });
}

export function images(count: number): tf.Tensor {
  return tf.tensor(uniforms(8, count * 192), [count, 3, 8, 8]);
}

/** Three LoRA steps of the small ViT on an engine. */
export async function trainVit(engineOf: (model: AnyModel) => Engine): Promise<void> {
  const model = smallVit();
  const run = fineTune(model, {
    strategy: lora({ rank: 4, dropout: 0.1 }) as AnyStrategy,
    targets: ['query', 'value'],
    modulesToSave: ['classifier'],
    loss: classification(),
    data: batches(
      {
        pixelValues: hostArray(uniforms(8, 8 * 192), [8, 3, 8, 8]),
        labels: hostArray(Int32Array.of(0, 1, 2, 3, 4, 0, 1, 2)),
      },
      { batchSize: 4 },
    ),
    steps: 3,
    optimizer: adamw(),
    schedule: 0.01,
    seed: 5,
    progress: false,
    onWarning: () => {},
    engine: engineOf(model),
  });
  const { dispose } = await run.result;
  dispose();
  model.weights.dispose();
}
