import type { Activation } from '../activation.ts';
import { ConfigFields, sayValue } from '../configFields.ts';
import { readTask } from '../readTask.ts';

/** The geometry of a BERT and what it is for, read from Hugging Face's config.json. */
export type BertConfig = {
  /** Logits of classes from the first token, of words from every token, or the hidden states themselves. */
  readonly task: 'classification' | 'maskedLanguage' | 'encoder';
  readonly vocabulary: number;
  readonly hiddenSize: number;
  readonly layers: number;
  readonly heads: number;
  readonly intermediateSize: number;
  readonly activation: Activation;
  readonly epsilon: number;
  /** Tokens of the longest sequence. */
  readonly positions: number;
  readonly tokenTypes: number;
  readonly labels: number;
};

const tasks: Readonly<Record<string, BertConfig['task']>> = {
  BertForSequenceClassification: 'classification',
  BertForMaskedLM: 'maskedLanguage',
  BertModel: 'encoder',
};

const problemTypes = ['regression', 'single_label_classification', 'multi_label_classification'];

/**
 * The fields a BERT is built from. As in transformers, two labels are meant where neither num_labels nor id2label
 * stands.
 * @throws PeftError `model/config` with every field that is missing, wrong or not supported.
 */
export function readBertConfig(config: Readonly<Record<string, unknown>>): BertConfig {
  const fields = new ConfigFields(config);
  const read: BertConfig = {
    task: readTask(fields, config.architectures, tasks),
    vocabulary: fields.count('vocab_size'),
    hiddenSize: fields.count('hidden_size'),
    layers: fields.layers('num_hidden_layers'),
    heads: fields.count('num_attention_heads'),
    intermediateSize: fields.count('intermediate_size'),
    activation: fields.activation('hidden_act'),
    epsilon: fields.epsilon('layer_norm_eps'),
    positions: fields.count('max_position_embeddings'),
    tokenTypes: fields.count('type_vocab_size'),
    labels: fields.labels(),
  };
  if (!fields.hasProblems) {
    fields.token('pad_token_id', read.vocabulary);
    fields.divides(['hidden_size', read.hiddenSize], ['num_attention_heads', read.heads]);
  }
  for (const name of ['hidden_dropout_prob', 'attention_probs_dropout_prob', 'classifier_dropout']) fields.rate(name);
  refuseUnsupported(fields, config, read.task);
  fields.throwAny('a BERT');
  return read;
}

function refuseUnsupported(
  fields: ConfigFields,
  config: Readonly<Record<string, unknown>>,
  task: BertConfig['task'],
): void {
  const only = (name: string, values: readonly unknown[], reason: string) => {
    const said = JSON.stringify(config[name] ?? values[0]);
    if (!values.some((value) => JSON.stringify(value) === said))
      fields.problem(`${name} is ${sayValue(config[name])}; ${reason}`, undefined);
  };
  only('is_decoder', [false], 'this BERT is an encoder, whose tokens see each other both ways');
  only('add_cross_attention', [false], 'an encoder attends to its own tokens alone');
  only('position_embedding_type', ['absolute'], 'only "absolute" positions are supported');
  only('pruned_heads', [{}], 'every layer has all its heads, so it must be {}');
  only('problem_type', [null, ...problemTypes], `known are ${problemTypes.join(', ')}`);
  if (task !== 'maskedLanguage') return;
  only('tie_word_embeddings', [true], 'the word head is read from the table of words alone, so it must be true');
}
