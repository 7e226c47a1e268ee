import { type AdapterFile, fromTensor, type HostArray, PeftError, type TrainedAdapter } from '@peft/core';
import type { FileSystem } from '../atomic/fileSystem.ts';
import { writeFolder } from '../atomic/writeFolder.ts';
import { problemList, quoted } from '../problemList.ts';
import { safetensorsChunks } from '../safetensors/writeSafetensors.ts';
import { encodeAsLora } from './encodeAsLora.ts';
import type { NamedTargets } from './expectTensors.ts';
import { type ModuleNames, moduleNames, ownNames } from './moduleNames.ts';
import { namePrefix, parameterName } from './parameterName.ts';
import { toPythonConfig } from './pythonConfig.ts';
import { pythonJson } from './pythonJson.ts';
import { pythonMethodOf } from './pythonMethodOf.ts';
import type { PythonMethod } from './pythonMethods.ts';
import { pythonSelection } from './pythonSelection.ts';
import { parameterAxes, toFileLayout } from './torchLayout.ts';
import { translateConfig } from './translateConfig.ts';
import { translateModules } from './translateModules.ts';

export interface SaveAdapterOptions {
  /** Write the change as one plain LoRA, exactly, whatever the strategy's own format is. */
  readonly as?: 'lora';
  /** Name or path of the base in Python (`base_model_name_or_path`). */
  readonly base?: string;
  /** Python's `task_type`, such as `SEQ_CLS`. */
  readonly taskType?: string;
  /**
   * What the folder calls modules where the model states Python's paths: `python`, as Python's current transformers has
   * them in memory (when left out), or `file`, as model files and older transformers do.
   */
  readonly moduleNames?: 'python' | 'file';
  readonly fileSystem?: FileSystem;
}

/** The key in the weights' metadata under which the fingerprint of the base stands. */
export const fingerprintKey = 'base_fingerprint';

/**
 * Writes a folder that Python PEFT loads: adapter_config.json and adapter_model.safetensors, both or none. A strategy
 * without a format of its own, such as a chain, is written as one LoRA of the summed rank, finished links included.
 * Throws `checkpoint/not-additive`, `checkpoint/adapter-tensors`, `checkpoint/adapter-targets`,
 * `checkpoint/module-names` and the codes of `writeFolder`.
 */
export async function saveAdapter(
  trained: TrainedAdapter,
  folder: string,
  options: SaveAdapterOptions = {},
): Promise<void> {
  const { fileFormat } = trained.strategy;
  const isOwn = fileFormat !== undefined && options.as === undefined && trained.finished.length === 0;
  const file = isOwn ? await fileFormat.encode(trained) : await encodeAsLora(trained);
  const method = pythonMethodOf(file.peftType);
  const names = options.moduleNames === 'file' ? ownNames : moduleNames(trained.pythonPaths, trained.modules);
  const tensors = new Map([
    ...adapterTensors(file, method, { ...trained, names }),
    ...(await parameterTensors(trained, names)),
  ]);
  const config = toPythonConfig(
    {
      ...translateConfig(file.config, { targets: trained.targets, method, from: ownNames, to: names }),
      // Python sets it as its last adapted layer needs, and again for every layer when it loads.
      fanInFanOut: trained.targets.filter(({ path }) => path in file.tensors).at(-1)?.fanInFanOut ?? false,
      ...modulesToSaveOf(trained, names),
      ...selectionOf(file, trained, names),
    },
    method,
  );
  const { base = null, taskType = null } = options;
  const text = pythonJson({ ...config, base_model_name_or_path: base, task_type: taskType }, method.floats);
  await writeFolder(
    folder,
    {
      'adapter_model.safetensors': safetensorsChunks(tensors, { format: 'pt', [fingerprintKey]: trained.fingerprint }),
      'adapter_config.json': new TextEncoder().encode(text),
    },
    options.fileSystem,
  );
}

function adapterTensors(file: AdapterFile, { tensors }: PythonMethod, { targets, names }: NamedTargets) {
  const problems: string[] = [];
  const named = Object.entries(file.tensors).flatMap(([path, parts]) => {
    const kind = targets.find((target) => target.path === path)?.kind ?? '';
    return Object.entries(parts).map(([part, array]): [string, HostArray] => {
      const known = tensors[kind]?.[part];
      if (!known) problems.push(`${quoted(part)} of ${quoted(path)}, a layer of kind ${quoted(kind)}`);
      return [`${namePrefix}${names.module(path)}.${known?.name}`, toFileLayout(array, known?.axes ?? 'same')];
    });
  });
  if (problems.length === 0) return named;
  throw new PeftError(
    'checkpoint/adapter-tensors',
    `Python PEFT's ${file.peftType} has no name for these tensors; pass as: "lora", or write the merged model with mergeAdapter and saveModel:${problemList(problems)}`,
  );
}

async function parameterTensors(
  { trained, targets, modules }: TrainedAdapter,
  names: ModuleNames,
): Promise<[string, HostArray][]> {
  const entries = Object.entries(trained);
  const unknown = entries.filter(([path, tensor]) => parameterAxes(path, tensor.rank, modules) === undefined);
  if (unknown.length > 0) {
    throw new PeftError(
      'checkpoint/adapter-tensors',
      `how torch lays out these trained weights is not known, since they are no targets of the model; write the merged model with mergeAdapter and saveModel:${problemList(unknown.map(([path]) => quoted(path)))}`,
    );
  }
  const read = entries.map(async ([path, tensor]): Promise<[string, HostArray]> => {
    const axes = parameterAxes(path, tensor.rank, modules) ?? 'same';
    return [parameterName(path, targets, names), toFileLayout(await fromTensor(tensor), axes)];
  });
  return Promise.all(read);
}

function modulesToSaveOf({ modulesToSave, trained, modules, pythonPaths = {} }: TrainedAdapter, names: ModuleNames) {
  if (modulesToSave.length === 0) return {};
  const weights = [...Object.keys(pythonPaths), ...modules.map(({ path }) => path)].map((path) => `${path}.weight`);
  const parameters = [...new Set([...Object.keys(trained), ...weights])];
  return { modulesToSave: translateModules(modulesToSave, parameters, { from: ownNames, to: names }) };
}

function selectionOf({ tensors }: AdapterFile, { targets, modules }: TrainedAdapter, names: ModuleNames) {
  const paths = Object.keys(tensors).map(names.module);
  if (paths.length === 0) {
    throw new PeftError(
      'checkpoint/adapter-targets',
      `the adapter changes no layer (${targets.length} targets, all of rank 0), and Python PEFT loads none without; write the merged model with mergeAdapter and saveModel.`,
    );
  }
  const targetModules = pythonSelection(paths, modules.map(names.target));
  // An excluded name also matches as the end of a longer one, which must not lose its adapter.
  const idle = targets
    .map(({ path }) => names.module(path))
    .filter((path) => !paths.some((live) => live === path || live.endsWith(`.${path}`)));
  const excludeModules = Array.isArray(targetModules) && idle.length > 0 ? idle.sort() : null;
  return { targetModules, excludeModules };
}
