import { expect, test } from 'vitest';
import { readLlamaConfig } from './llamaConfig.ts';

const config = {
  architectures: ['LlamaForCausalLM'],
  vocab_size: 50,
  hidden_size: 16,
  num_hidden_layers: 2,
  intermediate_size: 24,
  max_position_embeddings: 32,
  num_attention_heads: 4,
};

const refusal = (problem: string) =>
  `config.json does not describe a Llama that can be built; change this:\n  ${problem}`;

test('what transformers leaves out means what it means there', () => {
  expect(readLlamaConfig(config)).toEqual({
    task: 'causalLanguage',
    vocabulary: 50,
    hiddenSize: 16,
    layers: 2,
    heads: 4,
    keyHeads: 4,
    headSize: 4,
    intermediateSize: 24,
    epsilon: 1e-6,
    positions: 32,
    theta: 10_000,
    scaling: { type: 'default' },
    hasAttentionBias: false,
    hasMlpBias: false,
    isTied: false,
    labels: 2,
    padToken: undefined,
  });
});

const llama3 = {
  rope_type: 'llama3',
  factor: 8,
  low_freq_factor: 1,
  high_freq_factor: 4,
  original_max_position_embeddings: 16,
};
const read3 = { type: 'llama3', factor: 8, lowFactor: 1, highFactor: 4, positions: 16 };

test.each([
  [{ num_key_value_heads: 2 }, { keyHeads: 2 }],
  [
    { head_dim: 6, hidden_size: 15 },
    { headSize: 6, hiddenSize: 15 },
  ],
  [{ rope_theta: 5e5 }, { theta: 5e5 }],
  [{ rope_scaling: { type: 'linear', factor: 2 } }, { scaling: { type: 'linear', factor: 2 } }],
  [
    { rope_theta: 5e5, rope_scaling: llama3 },
    { theta: 5e5, scaling: read3 },
  ],
  [{ rope_parameters: { ...llama3, rope_theta: 7 } }, { theta: 7, scaling: read3 }],
  [{ rope_parameters: { rope_type: 'default', rope_theta: 7 } }, { theta: 7, scaling: { type: 'default' } }],
  [
    { architectures: ['LlamaForSequenceClassification'], num_labels: 3, pad_token_id: 4 },
    { task: 'classification', labels: 3, padToken: 4 },
  ],
])('%j is read', (more, expected) => {
  expect(readLlamaConfig({ ...config, ...more })).toMatchObject(expected);
});

test.each([
  [{ num_attention_heads: 7 }, 'hidden_size 16 does not divide into num_attention_heads 7'],
  [{ num_key_value_heads: 3 }, 'num_attention_heads 4 does not divide into num_key_value_heads 3'],
  [{ head_dim: 3 }, 'a head is 3 wide; rotary embeddings turn pairs, so it must be even'],
  [{ hidden_act: 'gelu' }, 'hidden_act is "gelu"; it must be "silu"'],
  [{ pretraining_tp: 2 }, 'pretraining_tp is 2; products are made whole, so it must be 1'],
  [{ rope_scaling: 'linear' }, 'rope_scaling is "linear"; it must be a record, or null'],
  [{ rope_theta: -1 }, 'rope_theta is -1; it must be a number above 0'],
  [{ rope_scaling: { type: 'linear' } }, 'rope_scaling.factor is missing; it must be a number above 0'],
  [
    { rope_parameters: { rope_type: 'yarn' } },
    'rope_parameters.rope_type is "yarn"; supported are default, linear, llama3',
  ],
])('%j is refused', (more, problem) => {
  expect(() => readLlamaConfig({ ...config, ...more })).toThrow(
    expect.objectContaining({ code: 'model/config', message: refusal(problem) }),
  );
});
