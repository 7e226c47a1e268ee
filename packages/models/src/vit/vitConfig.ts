import { PeftError } from '@peft/core';

/** The geometry of a ViT, read from Hugging Face's config.json. */
export type VitConfig = {
  readonly hiddenSize: number;
  readonly layers: number;
  readonly heads: number;
  readonly intermediateSize: number;
  /** By the error function (exact), or by the tanh approximation. */
  readonly activation: 'gelu' | 'geluTanh';
  readonly epsilon: number;
  /** Pixels: [height, width]. */
  readonly imageSize: readonly [number, number];
  /** Pixels: [height, width]. */
  readonly patchSize: readonly [number, number];
  readonly channels: number;
  readonly hasQkvBias: boolean;
  readonly labels: number;
};

const activations: Readonly<Record<string, VitConfig['activation']>> = {
  gelu: 'gelu',
  gelu_fast: 'geluTanh',
  gelu_new: 'geluTanh',
  gelu_pytorch_tanh: 'geluTanh',
};

/**
 * The fields a ViT is built from. As in transformers, an absent qkv_bias is true, and two labels are meant where
 * neither num_labels nor id2label stands.
 * @throws PeftError `model/config` with every field that is missing, wrong or not supported.
 */
export function readVitConfig(config: Readonly<Record<string, unknown>>): VitConfig {
  const fields = new Fields(config);
  const read: VitConfig = {
    hiddenSize: fields.count('hidden_size'),
    layers: fields.count('num_hidden_layers'),
    heads: fields.count('num_attention_heads'),
    intermediateSize: fields.count('intermediate_size'),
    activation: fields.activation(),
    epsilon: fields.epsilon(),
    imageSize: fields.pair('image_size'),
    patchSize: fields.pair('patch_size'),
    channels: fields.count('num_channels'),
    hasQkvBias: fields.qkvBias(),
    labels: fields.labels(),
  };
  fields.refuseDropout('hidden_dropout_prob');
  fields.refuseDropout('attention_probs_dropout_prob');
  fields.checkDivisions(read);
  fields.throwAny();
  return read;
}

/** Reads field by field and collects what is wrong, so that it can be said once. */
class Fields {
  readonly #config: Readonly<Record<string, unknown>>;
  readonly #problems: string[] = [];

  constructor(config: Readonly<Record<string, unknown>>) {
    this.#config = config;
  }

  count(name: string): number {
    const value = this.#config[name];
    if (isCount(value)) return value;
    return this.#problem(`${name} is ${say(value)}; it must be a whole number of at least 1`, 1);
  }

  pair(name: string): readonly [number, number] {
    const value = this.#config[name];
    if (isCount(value)) return [value, value];
    if (isPair(value)) return value;
    return this.#problem(
      `${name} is ${say(value)}; it must be a whole number of at least 1, or [height, width]`,
      [1, 1],
    );
  }

  activation(): VitConfig['activation'] {
    const value = this.#config.hidden_act;
    if (typeof value === 'string' && Object.hasOwn(activations, value)) return activations[value] ?? 'gelu';
    const supported = Object.keys(activations).join(', ');
    return this.#problem(`hidden_act is ${say(value)}; supported are ${supported}`, 'gelu');
  }

  epsilon(): number {
    const value = this.#config.layer_norm_eps;
    if (typeof value === 'number' && value >= 0 && Number.isFinite(value)) return value;
    return this.#problem(`layer_norm_eps is ${say(value)}; it must be a number of at least 0`, 0);
  }

  qkvBias(): boolean {
    const value = this.#config.qkv_bias ?? true;
    if (typeof value === 'boolean') return value;
    return this.#problem(`qkv_bias is ${say(value)}; it must be true or false`, true);
  }

  labels(): number {
    const { num_labels: stated, id2label: names } = this.#config;
    if (stated !== undefined && !isCount(stated)) {
      return this.#problem(`num_labels is ${say(stated)}; it must be a whole number of at least 1`, 1);
    }
    if (names === undefined || names === null) return stated ?? 2;
    const count = typeof names === 'object' && !Array.isArray(names) ? Object.keys(names).length : 0;
    if (count === 0) return this.#problem(`id2label is ${say(names)}; it must map each class to its name`, 1);
    if (stated !== undefined && stated !== count) {
      return this.#problem(`num_labels is ${stated}, but id2label names ${count} classes; they must agree`, 1);
    }
    return count;
  }

  refuseDropout(name: string): void {
    const value = this.#config[name] ?? 0;
    if (value !== 0) {
      this.#problem(`${name} is ${say(value)}; models have no dropout of their own, so it must be 0`, undefined);
    }
  }

  checkDivisions({ hiddenSize, heads, imageSize, patchSize }: VitConfig): void {
    if (this.#problems.length > 0) return;
    if (hiddenSize % heads !== 0) {
      this.#problem(`hidden_size ${hiddenSize} does not divide into num_attention_heads ${heads}`, undefined);
    }
    if (imageSize.some((size, axis) => size % (patchSize[axis] ?? 1) !== 0)) {
      this.#problem(`image_size [${imageSize}] does not divide into patches of patch_size [${patchSize}]`, undefined);
    }
    const headSize = this.#config.head_dim;
    if (headSize !== undefined && headSize !== hiddenSize / heads) {
      this.#problem(`head_dim is ${say(headSize)}; only hidden_size / num_attention_heads is supported`, undefined);
    }
  }

  throwAny(): void {
    if (this.#problems.length === 0) return;
    throw new PeftError(
      'model/config',
      `config.json does not describe a ViT that can be built; change ${this.#problems.length === 1 ? 'this' : 'these'}:${this.#problems.map((problem) => `\n  ${problem}`).join('')}`,
    );
  }

  #problem<T>(problem: string, instead: T): T {
    this.#problems.push(problem);
    return instead;
  }
}

function isCount(value: unknown): value is number {
  return Number.isSafeInteger(value) && (value as number) >= 1;
}

function isPair(value: unknown): value is readonly [number, number] {
  return Array.isArray(value) && value.length === 2 && value.every(isCount);
}

function say(value: unknown): string {
  return value === undefined ? 'missing' : JSON.stringify(value);
}
