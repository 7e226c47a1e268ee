import { expect, test } from 'vitest';
import { readOptConfig } from './optConfig.ts';

const config = {
  architectures: ['OPTForCausalLM'],
  vocab_size: 50,
  hidden_size: 16,
  num_hidden_layers: 2,
  ffn_dim: 24,
  max_position_embeddings: 16,
  num_attention_heads: 4,
  activation_function: 'relu',
};

const refusal = (problem: string) =>
  `config.json does not describe an OPT that can be built; change this:\n  ${problem}`;

test('what transformers leaves out means what it means there', () => {
  expect(readOptConfig(config)).toEqual({
    task: 'causalLanguage',
    vocabulary: 50,
    hiddenSize: 16,
    embeddingSize: 16,
    layers: 2,
    heads: 4,
    intermediateSize: 24,
    activation: 'relu',
    positions: 16,
    isNormFirst: true,
    hasFinalNorm: true,
    hasBias: true,
    isTied: true,
    labels: 2,
    padToken: 1,
  });
});

test.each([
  [
    { architectures: ['OPTForSequenceClassification'], num_labels: 3 },
    { task: 'classification', labels: 3 },
  ],
  [{ word_embed_proj_dim: 8 }, { embeddingSize: 8 }],
  [{ word_embed_proj_dim: null }, { embeddingSize: 16 }],
  [{ do_layer_norm_before: false }, { isNormFirst: false, hasFinalNorm: false }],
  [{ _remove_final_layer_norm: true }, { isNormFirst: true, hasFinalNorm: false }],
  [{ enable_bias: false }, { hasBias: false }],
  [{ tie_word_embeddings: false }, { isTied: false }],
  [{ pad_token_id: null }, { padToken: undefined }],
  [{ dropout: 0.1, attention_dropout: 0.1, layerdrop: 0.1 }, { layers: 2 }],
])('%j is read as %j', (changes, read) => {
  expect(readOptConfig({ ...config, ...changes })).toMatchObject(read);
});

test.each([
  [
    { architectures: ['OPTModel'] },
    'architectures is ["OPTModel"]; it says what the model is for and must be ["OPTForCausalLM"] or ["OPTForSequenceClassification"]',
  ],
  [{ num_attention_heads: 3 }, 'hidden_size 16 does not divide into num_attention_heads 3'],
  [{ word_embed_proj_dim: 0.5 }, 'word_embed_proj_dim is 0.5; it must be a whole number of at least 1'],
  [
    { layer_norm_elementwise_affine: false },
    'layer_norm_elementwise_affine is false; norms have a gain and a bias, so it must be true',
  ],
  [{ enable_bias: null, do_layer_norm_before: 0 }, 'do_layer_norm_before is 0; it must be true or false'],
  [{ layerdrop: 'some' }, 'layerdrop is "some"; it must be a number from 0 to 1'],
  [{ pad_token_id: -1 }, 'pad_token_id is -1; it must be a token from 0 to 49, or null'],
])('%j is refused', (changes, problem) => {
  expect(() => readOptConfig({ ...config, ...changes })).toThrow(
    expect.objectContaining({ code: 'model/config', message: refusal(problem) }),
  );
});
