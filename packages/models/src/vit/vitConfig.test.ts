import { expect, test } from 'vitest';
import { readVitConfig } from './vitConfig.ts';

const config = {
  hidden_size: 12,
  num_hidden_layers: 2,
  num_attention_heads: 3,
  intermediate_size: 20,
  hidden_act: 'gelu',
  layer_norm_eps: 1e-12,
  image_size: 8,
  patch_size: 2,
  num_channels: 1,
};

const refusal = (...problems: readonly string[]) =>
  `config.json does not describe a ViT that can be built; change ${problems.length === 1 ? 'this' : 'these'}:\n  ${problems.join('\n  ')}`;

function messageOf(changes: Readonly<Record<string, unknown>>): string {
  try {
    readVitConfig({ ...config, ...changes });
  } catch (error) {
    expect(error).toMatchObject({ code: 'model/config' });
    return (error as Error).message;
  }
  return 'accepted';
}

test('what transformers leaves out means what it means there', () => {
  expect(readVitConfig(config)).toEqual({
    hiddenSize: 12,
    layers: 2,
    heads: 3,
    intermediateSize: 20,
    activation: 'gelu',
    epsilon: 1e-12,
    imageSize: [8, 8],
    patchSize: [2, 2],
    channels: 1,
    hasQkvBias: true,
    labels: 2,
  });
});

test.each([
  [{ num_labels: 7 }, { labels: 7 }],
  [{ id2label: { 0: 'a', 1: 'b', 2: 'c' } }, { labels: 3 }],
  [{ num_labels: 3, id2label: { 0: 'a', 1: 'b', 2: 'c' } }, { labels: 3 }],
  [
    { image_size: [6, 8], patch_size: [3, 2] },
    { imageSize: [6, 8], patchSize: [3, 2] },
  ],
  [{ qkv_bias: false }, { hasQkvBias: false }],
  [{ hidden_act: 'gelu_new' }, { activation: 'geluTanh' }],
  [{ hidden_act: 'gelu_pytorch_tanh' }, { activation: 'geluTanh' }],
  [{ hidden_act: 'relu' }, { activation: 'relu' }],
  [{ head_dim: 4 }, { heads: 3 }],
])('%j is read as %j', (changes, read) => {
  expect(readVitConfig({ ...config, ...changes })).toMatchObject(read);
});

test.each([
  [{ hidden_size: undefined }, 'hidden_size is missing; it must be a whole number of at least 1'],
  [{ num_hidden_layers: 0 }, 'num_hidden_layers is 0; it must be a whole number of at least 1'],
  [{ num_attention_heads: '3' }, 'num_attention_heads is "3"; it must be a whole number of at least 1'],
  [{ intermediate_size: 2.5 }, 'intermediate_size is 2.5; it must be a whole number of at least 1'],
  [{ num_channels: null }, 'num_channels is null; it must be a whole number of at least 1'],
  [{ image_size: [8] }, 'image_size is [8]; it must be a whole number of at least 1, or [height, width]'],
  [{ patch_size: -2 }, 'patch_size is -2; it must be a whole number of at least 1, or [height, width]'],
  [{ hidden_act: 'silu' }, 'hidden_act is "silu"; supported are gelu, gelu_fast, gelu_new, gelu_pytorch_tanh, relu'],
  [
    { hidden_act: 'toString' },
    'hidden_act is "toString"; supported are gelu, gelu_fast, gelu_new, gelu_pytorch_tanh, relu',
  ],
  [{ layer_norm_eps: -1 }, 'layer_norm_eps is -1; it must be a number of at least 0'],
  [{ qkv_bias: 'yes' }, 'qkv_bias is "yes"; it must be true or false'],
  [{ num_labels: 0 }, 'num_labels is 0; it must be a whole number of at least 1'],
  [{ id2label: {} }, 'id2label is {}; it must map each class to its name'],
  [{ id2label: ['a'] }, 'id2label is ["a"]; it must map each class to its name'],
  [{ num_labels: 4, id2label: { 0: 'a' } }, 'num_labels is 4, but id2label names 1 classes; they must agree'],
  [{ hidden_dropout_prob: 1.5 }, 'hidden_dropout_prob is 1.5; it must be a number from 0 to 1'],
  [{ attention_probs_dropout_prob: 'half' }, 'attention_probs_dropout_prob is "half"; it must be a number from 0 to 1'],
  [{ num_attention_heads: 5 }, 'hidden_size 12 does not divide into num_attention_heads 5'],
  [{ patch_size: [2, 3] }, 'image_size [8,8] does not divide into patches of patch_size [2,3]'],
  [{ head_dim: 8 }, 'head_dim is 8; only hidden_size / num_attention_heads is supported'],
])('%j is refused', (changes, problem) => {
  expect(messageOf(changes)).toBe(refusal(problem));
});

test('everything wrong is said at once', () => {
  expect(messageOf({ hidden_size: 'wide', hidden_act: 7, patch_size: undefined })).toBe(
    refusal(
      'hidden_size is "wide"; it must be a whole number of at least 1',
      'hidden_act is 7; supported are gelu, gelu_fast, gelu_new, gelu_pytorch_tanh, relu',
      'patch_size is missing; it must be a whole number of at least 1, or [height, width]',
    ),
  );
});
