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
    layers: fields.count('num_hidden_layers'),
    heads: fields.count('num_attention_heads'),
    intermediateSize: fields.count('intermediate_size'),
    activation: fields.activation('hidden_act'),
    epsilon: fields.epsilon('layer_norm_eps'),
    positions: fields.count('max_position_embeddings'),
    tokenTypes: fields.count('type_vocab_size'),
    labels: fields.labels(),
  };
  for (const problem of unsupported(config, read)) fields.problem(problem, undefined);
  fields.throwAny('a BERT');
  return read;
}

function unsupported(config: Readonly<Record<string, unknown>>, read: BertConfig): readonly string[] {
  const is = (name: string) => `${name} is ${sayValue(config[name])}`;
  const isOff = (name: string) => (config[name] ?? false) === false;
  const isRate = (value: unknown) => typeof value === 'number' && value >= 0 && value <= 1;
  const rates = ['hidden_dropout_prob', 'attention_probs_dropout_prob', 'classifier_dropout'];
  const { pad_token_id: padding = null, pruned_heads: pruned, problem_type: problemType = null } = config;
  const isToken = Number.isSafeInteger(padding) && Number(padding) >= 0 && Number(padding) < read.vocabulary;
  return [
    read.hiddenSize % read.heads !== 0 &&
      `hidden_size ${read.hiddenSize} does not divide into num_attention_heads ${read.heads}`,
    !isOff('is_decoder') && `${is('is_decoder')}; this BERT is an encoder, whose tokens see each other both ways`,
    !isOff('add_cross_attention') && `${is('add_cross_attention')}; an encoder attends to its own tokens alone`,
    (config.position_embedding_type ?? 'absolute') !== 'absolute' &&
      `${is('position_embedding_type')}; only "absolute" positions are supported`,
    read.task === 'maskedLanguage' &&
      (config.tie_word_embeddings ?? true) !== true &&
      `${is('tie_word_embeddings')}; the masked-language head reads the word embeddings, so it must be true`,
    pruned !== undefined &&
      sayValue(pruned) !== '{}' &&
      `${is('pruned_heads')}; every layer has all its heads, so it must be {}`,
    problemType !== null &&
      !problemTypes.includes(problemType as string) &&
      `${is('problem_type')}; known are ${problemTypes.join(', ')}`,
    padding !== null &&
      !isToken &&
      `${is('pad_token_id')}; it must be a token from 0 to ${read.vocabulary - 1}, or null`,
    ...rates.map(
      (name) => (config[name] ?? 0) !== 0 && !isRate(config[name]) && `${is(name)}; it must be a number from 0 to 1`,
    ),
  ].filter((problem) => problem !== false);
}
