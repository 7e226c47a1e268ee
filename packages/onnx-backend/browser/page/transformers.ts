import {
  type AnyModel,
  type AnyStrategy,
  adamw,
  batches,
  classification,
  hostArray,
  sizeOf,
  Weights,
} from '@peft/core';
import { lora } from '@peft/lora';
import { bert, freshBertWeights, freshVitWeights, vit } from '@peft/models';
import { fold, uniforms } from '@peft/ops';
import type { Settings } from './train.ts';

export const vitConfig = {
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

export const bertConfig = {
  architectures: ['BertForSequenceClassification'],
  vocab_size: 50,
  hidden_size: 32,
  num_hidden_layers: 2,
  num_attention_heads: 4,
  intermediate_size: 64,
  hidden_act: 'gelu',
  layer_norm_eps: 1e-12,
  max_position_embeddings: 24,
  type_vocab_size: 2,
  num_labels: 3,
};

/** Weights of a config, large enough for every layer to matter. */
function lively(fresh: Weights): Weights {
  return new Weights(
    fresh.paths.map((path) => {
      const { shape } = fresh.get(path);
      return [
        path,
        hostArray(
          uniforms(fold(3, path), sizeOf(shape)).map((u) => (u - 0.5) * 0.4),
          shape,
        ),
      ] as const;
    }),
  );
}

export const smallVit = () => vit(vitConfig, lively(freshVitWeights(vitConfig, 3))) as unknown as AnyModel;

export const smallBert = () => bert(bertConfig, lively(freshBertWeights(bertConfig, 3))) as unknown as AnyModel;

/** MiniLM-L6's shape with weights drawn as transformers draws them. */
export const miniLmConfig = {
  ...bertConfig,
  vocab_size: 30522,
  hidden_size: 384,
  num_hidden_layers: 6,
  num_attention_heads: 12,
  intermediate_size: 1536,
  max_position_embeddings: 512,
};

export const integers = (seed: number, count: number, below: number) =>
  Int32Array.from(uniforms(seed, count), (u) => Math.floor(u * below));

/** Columns for a BERT: sentences of equal length, of which every second is padded by a quarter. */
export function sentences({ count, length, vocabulary }: Record<'count' | 'length' | 'vocabulary', number>) {
  const shape = [count, length];
  const attention = Int32Array.from({ length: count * length }, (_, index) => {
    const [row, place] = [Math.floor(index / length), index % length];
    return row % 2 === 1 && place >= length - length / 4 ? 0 : 1;
  });
  return {
    inputIds: hostArray(integers(4, count * length, vocabulary), shape),
    attentionMask: hostArray(attention, shape),
    labels: hostArray(integers(6, count, 3)),
  };
}

const common = {
  strategy: lora({ rank: 4, dropout: 0.1 }) as AnyStrategy,
  targets: ['query', 'value'],
  modulesToSave: ['classifier'],
  loss: classification(),
  steps: 10,
  // Gradients of query that are nearly nothing would otherwise make the size of a step of their rounding.
  optimizer: adamw({ epsilon: 1e-4 }),
  schedule: 0.005,
  seed: 5,
};

export const vitSettings: Settings = {
  ...common,
  data: batches(
    { pixelValues: hostArray(uniforms(8, 8 * 192), [8, 3, 8, 8]), labels: hostArray(integers(9, 8, 5)) },
    { batchSize: 4 },
  ),
};

export const bertSettings: Settings = {
  ...common,
  data: batches(sentences({ count: 8, length: 12, vocabulary: 50 }), { batchSize: 4 }),
};

/** LoRA of rank 8 on query and value, as the benchmarks of the other machines run it. */
export const miniLmSettings = ({ batch, length, steps }: Record<'batch' | 'length' | 'steps', number>): Settings => ({
  ...common,
  strategy: lora({ rank: 8 }) as AnyStrategy,
  steps,
  schedule: 1e-4,
  data: batches(sentences({ count: batch, length, vocabulary: miniLmConfig.vocab_size }), { batchSize: batch }),
});

export const miniLm = () => bert(miniLmConfig, freshBertWeights(miniLmConfig, 3)) as unknown as AnyModel;
