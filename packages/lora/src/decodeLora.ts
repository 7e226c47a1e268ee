import {
  type AdapterFile,
  type HostArray,
  layerKindOf,
  matchTensors,
  PeftError,
  type Target,
  type TensorShapes,
} from '@peft/core';
import { checkOptions } from './checkOptions.ts';
import type { LoraOptions } from './loraOptions.ts';
import { optionsOfConfig } from './optionsOfConfig.ts';
import { targetSizes } from './targetSizes.ts';

export type DecodedLora = {
  readonly options: Required<LoraOptions>;
  readonly params: Readonly<Record<string, HostArray>>;
};

/**
 * Options and parameters of a file, whose tensors must be exactly those that the options give the adapted targets.
 * @throws PeftError `lora/options` for wrong settings, `lora/tensors` with every tensor that is missing, left over or of
 * another shape.
 */
export function decodeLora({ config, tensors }: AdapterFile, targets: readonly Target[]): DecodedLora {
  const options = checkOptions(optionsOfConfig(config));
  const { found, problems } = matchTensors(tensors, shapesOf(options, targets));
  if (problems.length === 0) return { options, params: found };
  throw new PeftError(
    'lora/tensors',
    `lora: the adapter's tensors do not fit its config and the model in ${problems.length} places; load the model and the config it was saved with:${problems.map((problem) => `\n- ${problem}.`).join('')}`,
  );
}

/** Shapes of the tensors that a Python PEFT config gives the targets; throws as `decodeLora`, for its config. */
export function loraShapes(config: AdapterFile['config'], targets: readonly Target[]): TensorShapes {
  return shapesOf(checkOptions(optionsOfConfig(config)), targets);
}

function shapesOf(options: Required<LoraOptions>, targets: readonly Target[]): TensorShapes {
  const sizeOf = targetSizes(options);
  return Object.fromEntries(
    targets.map((target) => {
      const kind = layerKindOf(target);
      const pair = kind.factorShapes(target, sizeOf(target).rank);
      return [target.path, options.dora ? { ...pair, magnitude: [kind.fans(target).fanOut] } : pair];
    }),
  );
}
