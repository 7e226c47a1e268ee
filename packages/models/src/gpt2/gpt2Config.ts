import type { Activation } from '../activation.ts';
import { ConfigFields, sayValue } from '../configFields.ts';
import { readTask } from '../readTask.ts';

/** The geometry of a GPT-2 and what it is for, read from Hugging Face's config.json. */
export type Gpt2Config = {
  /** Logits of the next token from every token, or of classes from the last one. */
  readonly task: 'causalLanguage' | 'classification';
  readonly vocabulary: number;
  readonly hiddenSize: number;
  readonly layers: number;
  readonly heads: number;
  readonly intermediateSize: number;
  readonly activation: Activation;
  readonly epsilon: number;
  /** Tokens of the longest sequence. */
  readonly positions: number;
  /** Factor of the attention scores in each layer. */
  readonly scales: readonly number[];
  /** Whether the language-model head is the token table. */
  readonly isTied: boolean;
  readonly labels: number;
  /** What fills up sequences, for the classification of their last token. */
  readonly padToken: number | undefined;
};

const tasks: Readonly<Record<string, Gpt2Config['task']>> = {
  GPT2LMHeadModel: 'causalLanguage',
  GPT2ForSequenceClassification: 'classification',
};

/**
 * The fields a GPT-2 is built from. As in transformers, an absent n_inner is four times n_embd.
 * @throws PeftError `model/config` with every field that is missing, wrong or not supported.
 */
export function readGpt2Config(config: Readonly<Record<string, unknown>>): Gpt2Config {
  const fields = new ConfigFields(config);
  const vocabulary = fields.count('vocab_size');
  const [hiddenSize, layers, heads] = [fields.count('n_embd'), fields.layers('n_layer'), fields.count('n_head')];
  const scale = fields.flag('scale_attn_weights', true) ? 1 / Math.sqrt(hiddenSize / heads) : 1;
  const isScaledByLayer = fields.flag('scale_attn_by_inverse_layer_idx', false);
  const read: Gpt2Config = {
    task: readTask(fields, config.architectures, tasks),
    vocabulary,
    hiddenSize,
    layers,
    heads,
    intermediateSize: (config.n_inner ?? null) === null ? 4 * hiddenSize : fields.count('n_inner'),
    activation: fields.activation('activation_function'),
    epsilon: fields.epsilon('layer_norm_epsilon'),
    positions: fields.count('n_positions'),
    scales: Array.from({ length: layers }, (_, layer) => (isScaledByLayer ? scale / (layer + 1) : scale)),
    isTied: fields.flag('tie_word_embeddings', true),
    labels: fields.labels(),
    padToken: fields.token('pad_token_id', vocabulary),
  };
  for (const name of ['resid_pdrop', 'embd_pdrop', 'attn_pdrop']) fields.rate(name);
  fields.divides(['n_embd', hiddenSize], ['n_head', heads]);
  if ((config.add_cross_attention ?? false) !== false) {
    const said = sayValue(config.add_cross_attention);
    fields.problem(`add_cross_attention is ${said}; this decoder attends to its own tokens alone`, undefined);
  }
  fields.throwAny('a GPT-2');
  return read;
}
