import { ConfigFields, sayValue } from '../configFields.ts';
import { readTask } from '../readTask.ts';
import type { RotaryScaling } from './rotaryFrequencies.ts';

/** The geometry of a Llama and what it is for, read from Hugging Face's config.json. */
export type LlamaConfig = {
  /** Logits of the next token from every token, or of classes from the last one. */
  readonly task: 'causalLanguage' | 'classification';
  readonly vocabulary: number;
  readonly hiddenSize: number;
  readonly layers: number;
  readonly heads: number;
  /** Heads of keys and values; each serves heads / keyHeads heads of queries. */
  readonly keyHeads: number;
  /** Width of a head. */
  readonly headSize: number;
  readonly intermediateSize: number;
  readonly epsilon: number;
  /** Tokens of the longest sequence. */
  readonly positions: number;
  readonly theta: number;
  readonly scaling: RotaryScaling;
  readonly hasAttentionBias: boolean;
  readonly hasMlpBias: boolean;
  /** Whether the language-model head is the token table. */
  readonly isTied: boolean;
  readonly labels: number;
  /** What fills up sequences, for the classification of their last token. */
  readonly padToken: number | undefined;
};

const tasks: Readonly<Record<string, LlamaConfig['task']>> = {
  LlamaForCausalLM: 'causalLanguage',
  LlamaForSequenceClassification: 'classification',
};

type Fields = Readonly<Record<string, unknown>>;

/**
 * The fields a Llama is built from. As in transformers, an absent num_key_value_heads is num_attention_heads, an absent
 * head_dim is hidden_size / num_attention_heads, an absent rms_norm_eps 1e-6 and an absent rope_theta 10,000.
 * @throws PeftError `model/config` with every field that is missing, wrong or not supported.
 */
export function readLlamaConfig(config: Fields): LlamaConfig {
  const fields = new ConfigFields({ rms_norm_eps: 1e-6, ...config });
  const isGiven = (name: string) => (config[name] ?? null) !== null;
  const vocabulary = fields.count('vocab_size');
  const [hiddenSize, heads] = [fields.count('hidden_size'), fields.count('num_attention_heads')];
  const keyHeads = isGiven('num_key_value_heads') ? fields.count('num_key_value_heads') : heads;
  if (!isGiven('head_dim')) fields.divides(['hidden_size', hiddenSize], ['num_attention_heads', heads]);
  fields.divides(['num_attention_heads', heads], ['num_key_value_heads', keyHeads]);
  const headSize = isGiven('head_dim') ? fields.count('head_dim') : Math.floor(hiddenSize / heads);
  if (headSize % 2 !== 0) {
    fields.problem(`a head is ${headSize} wide; rotary embeddings turn pairs, so it must be even`, undefined);
  }
  const read: LlamaConfig = {
    task: readTask(fields, config.architectures, tasks),
    vocabulary,
    hiddenSize,
    layers: fields.layers('num_hidden_layers'),
    heads,
    keyHeads,
    headSize,
    intermediateSize: fields.count('intermediate_size'),
    epsilon: fields.epsilon('rms_norm_eps'),
    positions: fields.count('max_position_embeddings'),
    ...readRotary(fields, config),
    hasAttentionBias: fields.flag('attention_bias', false),
    hasMlpBias: fields.flag('mlp_bias', false),
    isTied: fields.flag('tie_word_embeddings', false),
    labels: fields.labels(),
    padToken: fields.token('pad_token_id', vocabulary),
  };
  fields.rate('attention_dropout');
  const [activation, parts] = [config.hidden_act ?? 'silu', config.pretraining_tp ?? 1];
  if (activation !== 'silu') fields.problem(`hidden_act is ${sayValue(activation)}; it must be "silu"`, undefined);
  if (parts !== 1)
    fields.problem(`pretraining_tp is ${sayValue(parts)}; products are made whole, so it must be 1`, undefined);
  fields.throwAny('a Llama');
  return read;
}

/** transformers 5 keeps all of it in rope_parameters, earlier versions in rope_theta and rope_scaling. */
function readRotary(fields: ConfigFields, config: Fields): Pick<LlamaConfig, 'theta' | 'scaling'> {
  const name = (config.rope_parameters ?? null) === null ? 'rope_scaling' : 'rope_parameters';
  const given = config[name] ?? {};
  if (typeof given !== 'object' || Array.isArray(given)) {
    fields.problem(`${name} is ${sayValue(given)}; it must be a record, or null`, undefined);
    return { theta: 1, scaling: { type: 'default' } };
  }
  const rotary = given as Fields;
  const positive = (field: string, value: unknown) =>
    typeof value === 'number' && value > 0 && Number.isFinite(value)
      ? value
      : fields.problem(`${field} is ${sayValue(value)}; it must be a number above 0`, 1);
  const of = (field: string) => positive(`${name}.${field}`, rotary[field]);
  const theta = positive('rope_theta', rotary.rope_theta ?? config.rope_theta ?? 10_000);
  const type = rotary.rope_type ?? rotary.type ?? 'default';
  if (type === 'default') return { theta, scaling: { type } };
  if (type === 'linear') return { theta, scaling: { type, factor: of('factor') } };
  if (type === 'llama3') {
    const [lowFactor, highFactor] = [of('low_freq_factor'), of('high_freq_factor')];
    const positions = of('original_max_position_embeddings');
    return { theta, scaling: { type, factor: of('factor'), lowFactor, highFactor, positions } };
  }
  return fields.problem(`${name}.rope_type is ${sayValue(type)}; supported are default, linear, llama3`, {
    theta,
    scaling: { type: 'default' },
  });
}
