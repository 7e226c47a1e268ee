import { type AnyModel, type BiasMode, isPeftError, PeftError, type Target, targetMatcher } from '@peft/core';
import { kindOf } from '../parseJson.ts';
import { problemList } from '../problemList.ts';
import { biasWords } from './biasWords.ts';
import { type ModuleNames, ownNames } from './moduleNames.ts';
import { isSavedWhole } from './parameterName.ts';
import { translateModules } from './translateModules.ts';

type Config = Readonly<Record<string, unknown>>;

export type AdapterSettings = {
  readonly bias: BiasMode;
  /** Those that the model has, as it calls them: Python lists heads of several names, such as classifier and score. */
  readonly modulesToSave: readonly string[];
  /** The model's targets that the configuration selects; undefined when its selection cannot be followed here. */
  readonly selected: readonly Target[] | undefined;
};

/**
 * The settings of an adapter_config.json, in camelCase, that do not depend on the method. Throws
 * `checkpoint/adapter-config` with every one that is not what Python writes.
 */
export function adapterSettings(
  what: string,
  config: Config,
  { model, names }: { readonly model: AnyModel; readonly names: ModuleNames },
): AdapterSettings {
  const problems: string[] = [];
  const { bias = 'none', modulesToSave, targetModules } = config;
  const mode = Object.entries(biasWords).find(([, word]) => word === bias)?.[0] as BiasMode | undefined;
  if (!mode) problems.push(`bias is ${JSON.stringify(bias)}, and one of none, all, lora_only is expected`);
  if (modulesToSave !== undefined && modulesToSave !== null && !isTextList(modulesToSave))
    problems.push(`modules_to_save is ${kindOf(modulesToSave)}, and a list of texts is expected`);
  if (
    ![undefined, null].includes(targetModules as null) &&
    typeof targetModules !== 'string' &&
    !isTextList(targetModules)
  )
    problems.push(`target_modules is ${kindOf(targetModules)}, and a text or a list of texts is expected`);
  if (problems.length > 0) {
    throw new PeftError(
      'checkpoint/adapter-config',
      `${what}: adapter_config.json is not as Python PEFT writes it; save the adapter again:${problemList(problems)}`,
    );
  }
  const saved = (modulesToSave ?? []) as readonly string[];
  const { paths } = model.weights;
  const present = saved.filter((module) => paths.some((path) => isSavedWhole(names.parameter(path), [module])));
  return {
    bias: mode ?? 'none',
    modulesToSave: translateModules(present, paths, { from: names, to: ownNames }),
    selected: selectedBy(config, saved, { model, names }),
  };
}

function selectedBy(
  config: Config,
  modulesToSave: readonly string[],
  { model, names }: { readonly model: AnyModel; readonly names: ModuleNames },
) {
  const { targetModules, excludeModules, layersToTransform, layersPattern } = config;
  if (targetModules === undefined || targetModules === null) return undefined;
  try {
    const matches = targetMatcher({
      targets: targetModules as string,
      modulesToSave,
      ...(model.outputHead && { outputHead: model.outputHead.map(names.module) }),
      ...(excludeModules ? { exclude: excludeModules as string } : {}),
      ...(typeof layersToTransform === 'number' || layersToTransform ? { layers: layersToTransform as number } : {}),
      ...(layersPattern ? { layersPattern: layersPattern as string } : {}),
    });
    return model.targets.filter((target) => matches(names.target(target)));
  } catch (error) {
    if (isPeftError(error)) return undefined;
    throw error;
  }
}

function isTextList(value: unknown): value is readonly string[] {
  return Array.isArray(value) && value.every((item) => typeof item === 'string');
}
