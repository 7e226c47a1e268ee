import type { Activation } from '../activation.ts';
import { ConfigFields, sayValue } from '../configFields.ts';
import { readTask } from '../readTask.ts';

/** The geometry of an OPT and what it is for, read from Hugging Face's config.json. */
export type OptConfig = {
  /** Logits of the next token from every token, or of classes from the last one. */
  readonly task: 'causalLanguage' | 'classification';
  readonly vocabulary: number;
  readonly hiddenSize: number;
  /** Width of the token table and of what the head reads. */
  readonly embeddingSize: number;
  readonly layers: number;
  readonly heads: number;
  readonly intermediateSize: number;
  readonly activation: Activation;
  /** Tokens of the longest sequence. */
  readonly positions: number;
  /** Whether each half of a layer is normalized before or after its sum. */
  readonly isNormFirst: boolean;
  readonly hasFinalNorm: boolean;
  readonly hasBias: boolean;
  /** Whether the language-model head is the token table. */
  readonly isTied: boolean;
  readonly labels: number;
  /** What fills up sequences, for the classification of their last token. */
  readonly padToken: number | undefined;
};

const tasks: Readonly<Record<string, OptConfig['task']>> = {
  OPTForCausalLM: 'causalLanguage',
  OPTForSequenceClassification: 'classification',
};

/**
 * The fields an OPT is built from. As in transformers, an absent word_embed_proj_dim is hidden_size and an absent
 * pad_token_id is 1.
 * @throws PeftError `model/config` with every field that is missing, wrong or not supported.
 */
export function readOptConfig(config: Readonly<Record<string, unknown>>): OptConfig {
  const fields = new ConfigFields({ pad_token_id: 1, ...config });
  const vocabulary = fields.count('vocab_size');
  const [hiddenSize, heads] = [fields.count('hidden_size'), fields.count('num_attention_heads')];
  const isNormFirst = fields.flag('do_layer_norm_before', true);
  const read: OptConfig = {
    task: readTask(fields, config.architectures, tasks),
    vocabulary,
    hiddenSize,
    embeddingSize: (config.word_embed_proj_dim ?? null) === null ? hiddenSize : fields.count('word_embed_proj_dim'),
    layers: fields.layers('num_hidden_layers'),
    heads,
    intermediateSize: fields.count('ffn_dim'),
    activation: fields.activation('activation_function'),
    positions: fields.count('max_position_embeddings'),
    isNormFirst,
    hasFinalNorm: !fields.flag('_remove_final_layer_norm', false) && isNormFirst,
    hasBias: fields.flag('enable_bias', true),
    isTied: fields.flag('tie_word_embeddings', true),
    labels: fields.labels(),
    padToken: fields.token('pad_token_id', vocabulary),
  };
  for (const name of ['dropout', 'attention_dropout', 'layerdrop']) fields.rate(name);
  fields.divides(['hidden_size', hiddenSize], ['num_attention_heads', heads]);
  if ((config.layer_norm_elementwise_affine ?? true) !== true) {
    const said = sayValue(config.layer_norm_elementwise_affine);
    fields.problem(
      `layer_norm_elementwise_affine is ${said}; norms have a gain and a bias, so it must be true`,
      undefined,
    );
  }
  fields.throwAny('an OPT');
  return read;
}
