import { expect, test } from 'vitest';
import { readGpt2Config } from './gpt2Config.ts';

const config = {
  architectures: ['GPT2LMHeadModel'],
  vocab_size: 50,
  n_positions: 16,
  n_embd: 16,
  n_layer: 2,
  n_head: 4,
  activation_function: 'gelu_new',
  layer_norm_epsilon: 1e-5,
};

const refusal = (...problems: readonly string[]) =>
  `config.json does not describe a GPT-2 that can be built; change ${problems.length === 1 ? 'this' : 'these'}:\n  ${problems.join('\n  ')}`;

function messageOf(changes: Readonly<Record<string, unknown>>): string {
  try {
    readGpt2Config({ ...config, ...changes });
  } catch (error) {
    expect(error).toMatchObject({ code: 'model/config' });
    return (error as Error).message;
  }
  return 'accepted';
}

test('what transformers leaves out means what it means there', () => {
  expect(readGpt2Config(config)).toEqual({
    task: 'causalLanguage',
    vocabulary: 50,
    hiddenSize: 16,
    layers: 2,
    heads: 4,
    intermediateSize: 64,
    activation: 'geluTanh',
    epsilon: 1e-5,
    positions: 16,
    scales: [0.5, 0.5],
    isTied: true,
    labels: 2,
    padToken: undefined,
  });
});

test.each([
  [
    { architectures: ['GPT2ForSequenceClassification'], num_labels: 3 },
    { task: 'classification', labels: 3 },
  ],
  [{ n_inner: null }, { intermediateSize: 64 }],
  [{ n_inner: 24 }, { intermediateSize: 24 }],
  [{ activation_function: 'relu' }, { activation: 'relu' }],
  [{ scale_attn_weights: false }, { scales: [1, 1] }],
  [{ scale_attn_by_inverse_layer_idx: true }, { scales: [0.5, 0.25] }],
  [{ reorder_and_upcast_attn: true }, { scales: [0.5, 0.5] }],
  [{ tie_word_embeddings: false }, { isTied: false }],
  [{ pad_token_id: 0 }, { padToken: 0 }],
  [{ pad_token_id: null }, { padToken: undefined }],
  [{ resid_pdrop: 0.1, embd_pdrop: 0.1, attn_pdrop: 0.1, summary_first_dropout: 0.1 }, { layers: 2 }],
])('%j is read as %j', (changes, read) => {
  expect(readGpt2Config({ ...config, ...changes })).toMatchObject(read);
});

const wanted = 'it says what the model is for and must be ["GPT2LMHeadModel"] or ["GPT2ForSequenceClassification"]';

test.each([
  [{ architectures: ['GPT2DoubleHeadsModel'] }, `architectures is ["GPT2DoubleHeadsModel"]; ${wanted}`],
  [{ architectures: undefined }, `architectures is missing; ${wanted}`],
  [{ n_embd: 15 }, 'n_embd 15 does not divide into n_head 4'],
  [{ n_inner: 0 }, 'n_inner is 0; it must be a whole number of at least 1'],
  [{ n_positions: 'long' }, 'n_positions is "long"; it must be a whole number of at least 1'],
  [
    { activation_function: 'silu' },
    'activation_function is "silu"; supported are gelu, gelu_fast, gelu_new, gelu_pytorch_tanh, relu',
  ],
  [{ scale_attn_weights: 1 }, 'scale_attn_weights is 1; it must be true or false'],
  [{ add_cross_attention: true }, 'add_cross_attention is true; this decoder attends to its own tokens alone'],
  [{ pad_token_id: 50 }, 'pad_token_id is 50; it must be a token from 0 to 49, or null'],
  [{ attn_pdrop: 1.5 }, 'attn_pdrop is 1.5; it must be a number from 0 to 1'],
  [{ id2label: {} }, 'id2label is {}; it must map each class to its name'],
])('%j is refused', (changes, problem) => {
  expect(messageOf(changes)).toBe(refusal(problem));
});

test('everything wrong is said at once', () => {
  expect(messageOf({ vocab_size: undefined, n_layer: 0, tie_word_embeddings: 'yes' })).toBe(
    refusal(
      'vocab_size is missing; it must be a whole number of at least 1',
      'n_layer is 0; it must be a whole number of at least 1',
      'tie_word_embeddings is "yes"; it must be true or false',
    ),
  );
});
