import {
  type AnyModel,
  causalLanguageModeling,
  classification,
  fold,
  type HostBatch,
  hostArray,
  type Loss,
  maskedLanguageModeling,
  type Seed,
  sizeOf,
  Weights,
} from '@peft/core';
import {
  bert,
  freshBertWeights,
  freshGpt2Weights,
  freshOptWeights,
  freshVitWeights,
  gpt2,
  opt,
  vit,
} from '@peft/models';
import { normals, uniforms } from '@peft/ops';

/** A whole model at toy size, a task for it and a batch. */
export interface ToyTransformer {
  readonly model: AnyModel;
  readonly loss: Loss;
  readonly batch: HostBatch;
}

const bertConfig = {
  architectures: ['BertForSequenceClassification'],
  vocab_size: 23,
  hidden_size: 12,
  num_hidden_layers: 2,
  num_attention_heads: 3,
  intermediate_size: 20,
  hidden_act: 'gelu',
  layer_norm_eps: 1e-12,
  max_position_embeddings: 9,
  type_vocab_size: 2,
  num_labels: 3,
};
const vitConfig = {
  architectures: ['ViTForImageClassification'],
  hidden_size: 12,
  num_hidden_layers: 2,
  num_attention_heads: 3,
  intermediate_size: 20,
  hidden_act: 'gelu',
  layer_norm_eps: 1e-6,
  image_size: 8,
  patch_size: 4,
  num_channels: 3,
  num_labels: 3,
};
const gpt2Config = {
  architectures: ['GPT2LMHeadModel'],
  vocab_size: 23,
  n_embd: 12,
  n_layer: 2,
  n_head: 3,
  n_positions: 9,
  activation_function: 'gelu_new',
  layer_norm_epsilon: 1e-5,
};
const optConfig = {
  architectures: ['OPTForCausalLM'],
  vocab_size: 23,
  hidden_size: 12,
  word_embed_proj_dim: 8,
  num_hidden_layers: 2,
  num_attention_heads: 3,
  ffn_dim: 20,
  activation_function: 'relu',
  max_position_embeddings: 9,
  do_layer_norm_before: true,
};
const sequences = 4;
const length = 7;

/** Whole numbers from 0 up to a bound. */
const integers = (seed: Seed, count: number, below: number) =>
  Int32Array.from(uniforms(seed, count), (u) => Math.floor(u * below));

/** Sequences of which all but the first are padded on the right, and one token type for each half. */
function words(): HostBatch {
  const shape = [sequences, length];
  const places = Array.from({ length: sequences * length }, (_, place) => place);
  const isShown = places.map((place) => Number(place % length < length - Math.floor(place / length)));
  return {
    inputIds: hostArray(integers(1, sequences * length, 23), shape),
    attentionMask: hostArray(Int32Array.from(isShown), shape),
  };
}

/** A label for every token shown, some of them ignored. */
function wordLabels(): HostBatch {
  const { attentionMask } = words();
  const labels = integers(2, sequences * length, 23).map((label, place) =>
    attentionMask?.data[place] === 1 && place % 3 !== 0 ? label : -100,
  );
  return { labels: hostArray(labels, [sequences, length]) };
}

const classLabels = { labels: hostArray(integers(3, sequences, 3)) };
const tokenTypes = { tokenTypeIds: hostArray(integers(4, sequences * length, 2), [sequences, length]) };

/** Weights none of which is zero or one, so that every gradient is told from its neighbours. */
function uneven(fresh: Weights): Weights {
  const arrays = fresh.paths.map((path) => {
    const { shape } = fresh.get(path);
    const isGain = shape.length === 1 && path.endsWith('.weight');
    const values = normals(fold(7, path), sizeOf(shape)).map((value) => value * 0.3 + Number(isGain));
    return [path, hostArray(values, shape)] as const;
  });
  return new Weights(arrays);
}

/** Models by name, each new. */
export const toyTransformers: Readonly<Record<string, () => ToyTransformer>> = {
  'BERT, classes': () => ({
    model: bert(bertConfig, uneven(freshBertWeights(bertConfig, 1))) as unknown as AnyModel,
    loss: classification(),
    batch: { ...words(), ...tokenTypes, ...classLabels },
  }),
  'BERT, masked words': () => {
    const config = { ...bertConfig, architectures: ['BertForMaskedLM'] };
    return {
      model: bert(config, uneven(freshBertWeights(config, 1))) as unknown as AnyModel,
      loss: maskedLanguageModeling(),
      batch: { ...words(), ...tokenTypes, ...wordLabels() },
    };
  },
  'ViT, classes': () => ({
    model: vit(vitConfig, uneven(freshVitWeights(vitConfig, 1))) as unknown as AnyModel,
    loss: classification(),
    batch: { pixelValues: hostArray(normals(5, sequences * 192), [sequences, 3, 8, 8]), ...classLabels },
  }),
  'GPT-2, next words': () => ({
    model: gpt2(gpt2Config, uneven(freshGpt2Weights(gpt2Config, 1))) as unknown as AnyModel,
    loss: causalLanguageModeling(),
    batch: { ...words(), ...wordLabels() },
  }),
  'OPT, next words': () => ({
    model: opt(optConfig, uneven(freshOptWeights(optConfig, 1))) as unknown as AnyModel,
    loss: causalLanguageModeling(),
    batch: { ...words(), ...wordLabels() },
  }),
};
