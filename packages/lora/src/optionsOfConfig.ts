import { PeftError } from '@peft/core';
import type { LoraInit, LoraOptions } from './loraOptions.ts';

type Config = Readonly<Record<string, unknown>>;

/** Settings that make the adapter something else than what `lora` computes. */
const foreign = [
  'aloraInvocationTokens',
  'arrowConfig',
  'ensureWeightTying',
  'kasaConfig',
  'layerReplication',
  'loraBias',
  'montecloraConfig',
  'targetParameters',
  'trainableTokenIndices',
  'useBdlora',
  'useQalora',
];

/** Initialisations that differ from LoRA's only in the values, which the file holds. */
const valuesOnly = ['eva', 'mica'];

/**
 * The options, not yet checked, that a Python PEFT config stands for.
 * @throws PeftError `lora/config` with every setting that no option stands for.
 */
export function optionsOfConfig(config: Config): LoraOptions {
  const init = initOf(config.initLoraWeights);
  const problems = [
    ...foreign.filter((name) => isSet(config[name])).map((name) => `${name} is set, which lora() does not support`),
    ...(init === undefined
      ? [
          `initLoraWeights is ${JSON.stringify(config.initLoraWeights)}, which changes the base weights; save it again in Python with path_initial_model_for_weight_conversion`,
        ]
      : []),
  ];
  if (problems.length > 0) {
    throw new PeftError(
      'lora/config',
      `lora: this adapter is not plain LoRA:${problems.map((problem) => `\n- ${problem}.`).join('')}`,
    );
  }
  return {
    rank: config.r,
    alpha: config.loraAlpha,
    rsLora: config.useRslora,
    dora: config.useDora,
    dropout: config.loraDropout,
    init,
    rankPattern: config.rankPattern,
    alphaPattern: config.alphaPattern,
  } as LoraOptions;
}

function initOf(value: unknown): LoraInit | undefined {
  if (value === undefined || value === null) return true;
  if (typeof value === 'boolean') return value;
  const name = String(value).toLowerCase();
  if (name === 'gaussian' || name === 'orthogonal') return name;
  return valuesOnly.includes(name) ? true : undefined;
}

function isSet(value: unknown): boolean {
  if (value === undefined || value === null || value === false) return false;
  return typeof value !== 'object' || Object.keys(value).length > 0;
}
