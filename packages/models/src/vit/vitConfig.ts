import type { Activation } from '../activation.ts';
import { ConfigFields, isCount, sayValue } from '../configFields.ts';

/** The geometry of a ViT, read from Hugging Face's config.json. */
export type VitConfig = {
  readonly hiddenSize: number;
  readonly layers: number;
  readonly heads: number;
  readonly intermediateSize: number;
  readonly activation: Activation;
  readonly epsilon: number;
  /** Pixels: [height, width]. */
  readonly imageSize: readonly [number, number];
  /** Pixels: [height, width]. */
  readonly patchSize: readonly [number, number];
  readonly channels: number;
  readonly hasQkvBias: boolean;
  readonly labels: number;
};

/**
 * The fields a ViT is built from. As in transformers, an absent qkv_bias is true, and two labels are meant where
 * neither num_labels nor id2label stands.
 * @throws PeftError `model/config` with every field that is missing, wrong or not supported.
 */
export function readVitConfig(config: Readonly<Record<string, unknown>>): VitConfig {
  const fields = new ConfigFields(config);
  const pair = (name: string): readonly [number, number] => {
    const value = config[name];
    if (isCount(value)) return [value, value];
    if (isPair(value)) return value;
    return fields.problem(
      `${name} is ${sayValue(value)}; it must be a whole number of at least 1, or [height, width]`,
      [1, 1],
    );
  };
  const read: VitConfig = {
    hiddenSize: fields.count('hidden_size'),
    layers: fields.layers('num_hidden_layers'),
    heads: fields.count('num_attention_heads'),
    intermediateSize: fields.count('intermediate_size'),
    activation: fields.activation('hidden_act'),
    epsilon: fields.epsilon('layer_norm_eps'),
    imageSize: pair('image_size'),
    patchSize: pair('patch_size'),
    channels: fields.count('num_channels'),
    hasQkvBias: fields.flag('qkv_bias', true),
    labels: fields.labels(),
  };
  for (const name of ['hidden_dropout_prob', 'attention_probs_dropout_prob']) fields.rate(name);
  if (!fields.hasProblems) checkDivisions(fields, read, config.head_dim);
  fields.throwAny('a ViT');
  return read;
}

function checkDivisions(
  fields: ConfigFields,
  { hiddenSize, heads, imageSize, patchSize }: VitConfig,
  headSize: unknown,
): void {
  if (hiddenSize % heads !== 0) {
    fields.problem(`hidden_size ${hiddenSize} does not divide into num_attention_heads ${heads}`, undefined);
  }
  if (imageSize.some((size, axis) => size % (patchSize[axis] ?? 1) !== 0)) {
    fields.problem(`image_size [${imageSize}] does not divide into patches of patch_size [${patchSize}]`, undefined);
  }
  if (headSize !== undefined && headSize !== hiddenSize / heads) {
    fields.problem(`head_dim is ${sayValue(headSize)}; only hidden_size / num_attention_heads is supported`, undefined);
  }
}

function isPair(value: unknown): value is readonly [number, number] {
  return Array.isArray(value) && value.length === 2 && value.every(isCount);
}
