import { PeftError } from '@peft/core';
import { type Activation, activationNames } from './activation.ts';

const mostLayers = 1000;
const longestValue = 200;

/** Reads config.json field by field and collects what is wrong, so that it can be said once. */
export class ConfigFields {
  readonly #config: Readonly<Record<string, unknown>>;
  readonly #problems: string[] = [];

  constructor(config: Readonly<Record<string, unknown>>) {
    this.#config = config;
  }

  get hasProblems(): boolean {
    return this.#problems.length > 0;
  }

  /** A whole number of at least 1. */
  count(name: string): number {
    const value = this.#config[name];
    if (isCount(value)) return value;
    return this.problem(`${name} is ${sayValue(value)}; it must be a whole number of at least 1`, 1);
  }

  /** How many layers: a model lists the parameters of each before it looks at a file, so a number alone must not be trusted. */
  layers(name: string): number {
    const layers = this.count(name);
    if (layers <= mostLayers) return layers;
    return this.problem(`${name} is ${layers}; models of up to ${mostLayers} layers can be built`, 1);
  }

  activation(name: string): Activation {
    const value = this.#config[name];
    const known =
      typeof value === 'string' && Object.hasOwn(activationNames, value) ? activationNames[value] : undefined;
    if (known) return known;
    const supported = Object.keys(activationNames).join(', ');
    return this.problem(`${name} is ${sayValue(value)}; supported are ${supported}`, 'gelu');
  }

  /** What a norm adds to the variance. */
  epsilon(name: string): number {
    const value = this.#config[name];
    if (typeof value === 'number' && value >= 0 && Number.isFinite(value)) return value;
    return this.problem(`${name} is ${sayValue(value)}; it must be a number of at least 0`, 0);
  }

  flag(name: string, absent: boolean): boolean {
    const value = this.#config[name] ?? absent;
    if (typeof value === 'boolean') return value;
    return this.problem(`${name} is ${sayValue(value)}; it must be true or false`, absent);
  }

  /** How many classes num_labels and id2label state; 2 where neither stands, as in transformers. */
  labels(): number {
    const { num_labels: stated, id2label: names } = this.#config;
    if (stated !== undefined && !isCount(stated)) {
      return this.problem(`num_labels is ${sayValue(stated)}; it must be a whole number of at least 1`, 1);
    }
    if (names === undefined || names === null) return stated ?? 2;
    const count = typeof names === 'object' && !Array.isArray(names) ? Object.keys(names).length : 0;
    if (count === 0) return this.problem(`id2label is ${sayValue(names)}; it must map each class to its name`, 1);
    if (stated !== undefined && stated !== count) {
      return this.problem(`num_labels is ${stated}, but id2label names ${count} classes; they must agree`, 1);
    }
    return count;
  }

  /** A token of the vocabulary; undefined where the field is null or absent. */
  token(name: string, vocabulary: number): number | undefined {
    const value = this.#config[name] ?? undefined;
    const isToken = value === 0 || isCount(value);
    if (value === undefined || (isToken && value < vocabulary)) return value;
    const most = vocabulary - 1;
    return this.problem(`${name} is ${sayValue(value)}; it must be a token from 0 to ${most}, or null`, undefined);
  }

  /** Checks a dropout rate, which models of this library do not apply. */
  rate(name: string): void {
    const value = this.#config[name] ?? 0;
    if (typeof value === 'number' && value >= 0 && value <= 1) return;
    this.problem(`${name} is ${sayValue(value)}; it must be a number from 0 to 1`, undefined);
  }

  /** Checks that heads divide a width equally. */
  divides(width: readonly [name: string, value: number], heads: readonly [name: string, value: number]): void {
    if (width[1] % heads[1] === 0) return;
    this.problem(`${width[0]} ${width[1]} does not divide into ${heads[0]} ${heads[1]}`, undefined);
  }

  /** Notes what is wrong, and gives back what to read on with. */
  problem<T>(problem: string, instead: T): T {
    this.#problems.push(problem);
    return instead;
  }

  /** Throws `model/config` with every problem noted; `model` is what the config should describe, with its article. */
  throwAny(model: string): void {
    if (this.#problems.length === 0) return;
    throw new PeftError(
      'model/config',
      `config.json does not describe ${model} that can be built; change ${this.#problems.length === 1 ? 'this' : 'these'}:${this.#problems.map((problem) => `\n  ${problem}`).join('')}`,
    );
  }
}

export function isCount(value: unknown): value is number {
  return Number.isSafeInteger(value) && (value as number) >= 1;
}

/** A value as config.json has it, and only its beginning where it is long. */
export function sayValue(value: unknown): string {
  if (value === undefined) return 'missing';
  const text = JSON.stringify(value);
  return text.length > longestValue ? `${text.slice(0, longestValue)}... (${text.length} characters)` : text;
}
