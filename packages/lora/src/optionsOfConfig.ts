import type { LoraInit, LoraOptions } from './loraOptions.ts';

type Config = Readonly<Record<string, unknown>>;

/**
 * The options, not yet checked, that a Python PEFT config stands for. Whoever reads the file has refused settings that
 * no option stands for, as `loadAdapter` of @peft/checkpoint does.
 */
export function optionsOfConfig(config: Config): LoraOptions {
  return {
    rank: config.r,
    alpha: config.loraAlpha,
    rsLora: config.useRslora,
    dora: config.useDora,
    dropout: config.loraDropout,
    init: initOf(config.initLoraWeights),
    rankPattern: config.rankPattern,
    alphaPattern: config.alphaPattern,
  } as LoraOptions;
}

// Python's other initialisations differ in the values alone, and those are in the file.
function initOf(value: unknown): LoraInit {
  const name = typeof value === 'string' ? value.toLowerCase() : value;
  return name === false || name === 'gaussian' || name === 'orthogonal' ? name : true;
}
