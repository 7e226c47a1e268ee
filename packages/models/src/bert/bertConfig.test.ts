import { expect, test } from 'vitest';
import { readBertConfig } from './bertConfig.ts';

const config = {
  architectures: ['BertForSequenceClassification'],
  vocab_size: 40,
  hidden_size: 12,
  num_hidden_layers: 2,
  num_attention_heads: 3,
  intermediate_size: 20,
  hidden_act: 'gelu',
  layer_norm_eps: 1e-12,
  max_position_embeddings: 16,
  type_vocab_size: 2,
};

const refusal = (...problems: readonly string[]) =>
  `config.json does not describe a BERT that can be built; change ${problems.length === 1 ? 'this' : 'these'}:\n  ${problems.join('\n  ')}`;

function messageOf(changes: Readonly<Record<string, unknown>>): string {
  try {
    readBertConfig({ ...config, ...changes });
  } catch (error) {
    expect(error).toMatchObject({ code: 'model/config' });
    return (error as Error).message;
  }
  return 'accepted';
}

test('what transformers leaves out means what it means there', () => {
  expect(readBertConfig(config)).toEqual({
    task: 'classification',
    vocabulary: 40,
    hiddenSize: 12,
    layers: 2,
    heads: 3,
    intermediateSize: 20,
    activation: 'gelu',
    epsilon: 1e-12,
    positions: 16,
    tokenTypes: 2,
    labels: 2,
  });
});

test.each([
  [{ architectures: ['BertForMaskedLM'], tie_word_embeddings: true }, { task: 'maskedLanguage' }],
  [{ architectures: ['BertModel'], tie_word_embeddings: false }, { task: 'encoder' }],
  [{ num_labels: 7 }, { labels: 7 }],
  [{ hidden_act: 'gelu_new' }, { activation: 'geluTanh' }],
  [{ hidden_act: 'relu' }, { activation: 'relu' }],
  [{ hidden_dropout_prob: 0.1, attention_probs_dropout_prob: 0.1, classifier_dropout: null }, { labels: 2 }],
  [{ position_embedding_type: 'absolute', is_decoder: false, add_cross_attention: false }, { labels: 2 }],
  [{ pruned_heads: {}, problem_type: null, pad_token_id: null }, { labels: 2 }],
  [{ problem_type: 'regression', num_labels: 1, pad_token_id: 39 }, { labels: 1 }],
])('%j is read as %j', (changes, read) => {
  expect(readBertConfig({ ...config, ...changes })).toMatchObject(read);
});

const architectures =
  'it says what the model is for and must be ["BertForSequenceClassification"], ["BertForMaskedLM"] or ["BertModel"]';

test.each([
  [{ architectures: undefined }, `architectures is missing; ${architectures}`],
  [{ architectures: ['toString'] }, `architectures is ["toString"]; ${architectures}`],
  [{ architectures: ['BertModel', 'BertModel'] }, `architectures is ["BertModel","BertModel"]; ${architectures}`],
  [{ vocab_size: 0 }, 'vocab_size is 0; it must be a whole number of at least 1'],
  [{ hidden_size: '12' }, 'hidden_size is "12"; it must be a whole number of at least 1'],
  [{ num_hidden_layers: 1.5 }, 'num_hidden_layers is 1.5; it must be a whole number of at least 1'],
  [{ num_attention_heads: null }, 'num_attention_heads is null; it must be a whole number of at least 1'],
  [{ intermediate_size: undefined }, 'intermediate_size is missing; it must be a whole number of at least 1'],
  [{ max_position_embeddings: -1 }, 'max_position_embeddings is -1; it must be a whole number of at least 1'],
  [{ type_vocab_size: 0 }, 'type_vocab_size is 0; it must be a whole number of at least 1'],
  [{ hidden_act: 'silu' }, 'hidden_act is "silu"; supported are gelu, gelu_fast, gelu_new, gelu_pytorch_tanh, relu'],
  [{ layer_norm_eps: -1 }, 'layer_norm_eps is -1; it must be a number of at least 0'],
  [{ num_labels: 4, id2label: { 0: 'a' } }, 'num_labels is 4, but id2label names 1 classes; they must agree'],
  [{ num_attention_heads: 5 }, 'hidden_size 12 does not divide into num_attention_heads 5'],
  [{ is_decoder: true }, 'is_decoder is true; this BERT is an encoder, whose tokens see each other both ways'],
  [{ add_cross_attention: true }, 'add_cross_attention is true; an encoder attends to its own tokens alone'],
  [
    { position_embedding_type: 'relative_key' },
    'position_embedding_type is "relative_key"; only "absolute" positions are supported',
  ],
  [
    { architectures: ['BertForMaskedLM'], tie_word_embeddings: false },
    'tie_word_embeddings is false; the word head is read from the table of words alone, so it must be true',
  ],
  [{ pruned_heads: { 0: [1] } }, 'pruned_heads is {"0":[1]}; every layer has all its heads, so it must be {}'],
  [
    { problem_type: 'ranking' },
    'problem_type is "ranking"; known are regression, single_label_classification, multi_label_classification',
  ],
  [{ pad_token_id: 40 }, 'pad_token_id is 40; it must be a token from 0 to 39, or null'],
  [{ hidden_dropout_prob: 2 }, 'hidden_dropout_prob is 2; it must be a number from 0 to 1'],
  [{ attention_probs_dropout_prob: '0' }, 'attention_probs_dropout_prob is "0"; it must be a number from 0 to 1'],
  [{ classifier_dropout: -0.1 }, 'classifier_dropout is -0.1; it must be a number from 0 to 1'],
])('%j is refused', (changes, problem) => {
  expect(messageOf(changes)).toBe(refusal(problem));
});

test('everything wrong is said at once', () => {
  expect(messageOf({ architectures: 'BertModel', hidden_size: 'wide', is_decoder: 1 })).toBe(
    refusal(
      `architectures is "BertModel"; ${architectures}`,
      'hidden_size is "wide"; it must be a whole number of at least 1',
      'is_decoder is 1; this BERT is an encoder, whose tokens see each other both ways',
    ),
  );
});
