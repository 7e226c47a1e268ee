import { side } from './digits.ts';

/** The base's config.json. Classes are those it was pretrained on; an adapter may give the five places new meanings. */
export const baseConfig = {
  architectures: ['ViTForImageClassification'],
  model_type: 'vit',
  image_size: side,
  patch_size: 2,
  num_channels: 1,
  hidden_size: 64,
  num_hidden_layers: 4,
  num_attention_heads: 4,
  intermediate_size: 128,
  hidden_act: 'gelu',
  layer_norm_eps: 1e-6,
  qkv_bias: true,
  hidden_dropout_prob: 0,
  attention_probs_dropout_prob: 0,
  initializer_range: 0.02,
  id2label: { 0: '0', 1: '1', 2: '2', 3: '3', 4: '4' },
  label2id: { 0: 0, 1: 1, 2: 2, 3: 3, 4: 4 },
};
