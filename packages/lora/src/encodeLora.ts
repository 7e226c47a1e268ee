import { type AdapterFile, type AnyStrategy, fromTensor, PeftError, type TrainedAdapter } from '@peft/core';
import type { LoraOptions } from './loraOptions.ts';
import { factorsOf, type LoraParams } from './loraParams.ts';

/** Python PEFT's words for which biases were trained. */
const biasWords = { none: 'none', all: 'all', adapted: 'lora_only' } as const;

/**
 * A LoRA or DoRA adapter as `adapter_config.json` and its tensors have it.
 * @throws PeftError `lora/not-lora` for an adapter of another strategy.
 */
export async function encodeLora(trained: TrainedAdapter): Promise<AdapterFile> {
  const options = optionsOf(trained.strategy);
  const tensors: Record<string, AdapterFile['tensors'][string]> = {};
  for (const target of trained.targets) {
    const parts = factorsOf({ params: trained.adapter.params as LoraParams, state: {} }, target);
    const read = Object.entries(parts).map(async ([part, tensor]) => [part, await fromTensor(tensor)] as const);
    tensors[target.path] = Object.fromEntries(await Promise.all(read));
  }
  return {
    peftType: 'LORA',
    config: {
      r: options.rank,
      loraAlpha: options.alpha,
      loraDropout: options.dropout,
      useRslora: options.rsLora,
      useDora: options.dora,
      initLoraWeights: options.init,
      rankPattern: options.rankPattern,
      alphaPattern: options.alphaPattern,
      bias: biasWords[trained.bias],
      modulesToSave: trained.modulesToSave.length > 0 ? trained.modulesToSave : null,
      targetModules: trained.targets.map(({ path }) => path).sort(),
    },
    tensors,
  };
}

function optionsOf(strategy: AnyStrategy): Required<LoraOptions> {
  if (strategy.fileFormat?.peftType === 'LORA' && 'options' in strategy) {
    return strategy.options as Required<LoraOptions>;
  }
  throw new PeftError(
    'lora/not-lora',
    `loraFileFormat writes adapters that lora() made, and strategy "${strategy.name}" is another; use that strategy's own fileFormat.`,
  );
}
