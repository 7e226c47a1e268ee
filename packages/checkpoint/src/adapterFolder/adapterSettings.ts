import { type AnyModel, type BiasMode, isPeftError, type Target, targetMatcher } from '@peft/core';
import type { SafetensorsFile } from '../safetensors/openSafetensors.ts';
import { biasWords } from './biasWords.ts';
import { type ModuleNames, ownNames } from './moduleNames.ts';
import { headsOfTask, savedModules } from './savedModules.ts';
import { translateModules } from './translateModules.ts';

type Config = Readonly<Record<string, unknown>>;

export type AdapterSettings = {
  readonly bias: BiasMode;
  /** Those that the model has, as it calls them: Python lists heads of several names, such as classifier and score. */
  readonly modulesToSave: readonly string[];
  /** Those of them that only the type of the task asks for. */
  readonly taskHeads: readonly string[];
  /** The model's targets that the configuration selects; undefined when its selection cannot be followed here. */
  readonly selected: readonly Target[] | undefined;
};

/** The settings of a checked adapter_config.json, in camelCase, that do not depend on the method. */
export function adapterSettings(
  file: Pick<SafetensorsFile, 'tensors'>,
  config: Config,
  { model, names }: { readonly model: AnyModel; readonly names: ModuleNames },
): AdapterSettings {
  const { bias = 'none', modulesToSave, taskType } = config;
  const { paths } = model.weights;
  const listed = (modulesToSave ?? []) as readonly string[];
  const saved = savedModules(file, { listed, taskType, paths, names });
  const own = (modules: readonly string[]) => translateModules(modules, paths, { from: names, to: ownNames });
  return {
    bias: (Object.entries(biasWords).find(([, word]) => word === bias)?.[0] ?? 'none') as BiasMode,
    modulesToSave: own(saved),
    taskHeads: own(headsOfTask(taskType).filter((head) => saved.includes(head) && !listed.includes(head))),
    selected: selectedTargets(config, {
      modules: model.targets,
      modulesToSave: [...listed, ...saved],
      outputHead: model.outputHead,
      names,
    }),
  };
}

/** What a selection chooses among. */
export type SelectionContext = {
  readonly modules: readonly Target[];
  /** As the selection calls them. */
  readonly modulesToSave: readonly string[];
  readonly outputHead: readonly string[] | undefined;
  readonly names: ModuleNames;
};

/** The modules that a configuration, in camelCase, selects by these names; undefined when it cannot be followed here. */
export function selectedTargets(
  { targetModules, excludeModules, layersToTransform, layersPattern }: Config,
  { modules, modulesToSave, outputHead, names }: SelectionContext,
): readonly Target[] | undefined {
  if (targetModules === undefined || targetModules === null) return undefined;
  try {
    const matches = targetMatcher({
      targets: targetModules as string,
      modulesToSave,
      ...(outputHead && { outputHead: outputHead.map(names.module) }),
      ...(excludeModules ? { exclude: excludeModules as string } : {}),
      ...(typeof layersToTransform === 'number' || layersToTransform ? { layers: layersToTransform as number } : {}),
      ...(layersPattern ? { layersPattern: layersPattern as string } : {}),
    });
    return modules.filter((target) => matches(names.target(target)));
  } catch (error) {
    if (isPeftError(error)) return undefined;
    throw error;
  }
}
