import { type AdapterFile, fromTensor, type HostArray, PeftError, type TrainedAdapter } from '@peft/core';
import type { FileSystem } from '../atomic/fileSystem.ts';
import { writeFolder } from '../atomic/writeFolder.ts';
import { nodeModule } from '../nodeModule.ts';
import { problemList, quoted } from '../problemList.ts';
import { safetensorsChunks } from '../safetensors/writeSafetensors.ts';
import { subFolderOf } from './adapterName.ts';
import { checkSaveCall } from './checkSaveCall.ts';
import { configToWrite } from './configToWrite.ts';
import { encodeAsLora } from './encodeAsLora.ts';
import type { NamedTargets } from './expectTensors.ts';
import { type ModuleNames, moduleNames, ownNames } from './moduleNames.ts';
import { type FloatDtype, narrowed } from './narrowed.ts';
import { isSavedWhole, namePrefix, parameterName } from './parameterName.ts';
import { type Config, toPythonConfig } from './pythonConfig.ts';
import { pythonJson } from './pythonJson.ts';
import { pythonMethodOf } from './pythonMethodOf.ts';
import type { PythonMethod } from './pythonMethods.ts';
import { nameThatSaves, pythonSaves } from './pythonSaves.ts';
import { pythonSelection } from './pythonSelection.ts';
import type { RestateContext } from './restated.ts';
import { headsOfTask } from './savedModules.ts';
import type { TaskType } from './taskType.ts';
import { rowTensorsIn, tokenIndicesOf, underRows } from './tokenRows.ts';
import { parameterAxes, toFileLayout } from './torchLayout.ts';
import { translateConfig } from './translateConfig.ts';
import { translateModules } from './translateModules.ts';
import { wrappedOnce } from './wrappedOnce.ts';

export interface SaveAdapterOptions {
  /** Write the change as one plain LoRA, exactly, whatever the strategy's own format is. */
  readonly as?: 'lora';
  /** Name of the adapter, of which Python makes a sub-folder; `default`, or none, is the folder itself. */
  readonly adapter?: string;
  /** What floats are rounded to: `float32` when left out, for which nothing is rounded. */
  readonly dtype?: FloatDtype;
  /**
   * Name or path of the base in Python (`base_model_name_or_path`). Left out, this and the three that follow are as in
   * the file that the adapter came with, else null.
   */
  readonly base?: string | null;
  /** The base's revision. */
  readonly revision?: string | null;
  /** Python's `task_type`, such as `SEQ_CLS`. */
  readonly taskType?: TaskType | null;
  /** The class of a base that is none of transformers', for Python's AutoPeftModel (`auto_mapping`). */
  readonly autoMapping?: Readonly<Record<string, string>> | null;
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
 * `checkpoint/modules-to-save`, `checkpoint/token-rows`, `checkpoint/overflow`, `checkpoint/module-names`,
 * `checkpoint/options` and the codes of `writeFolder`.
 */
export async function saveAdapter(
  trained: TrainedAdapter,
  folder: string,
  options: SaveAdapterOptions = {},
): Promise<void> {
  checkSaveCall(trained, folder, options);
  const { fileFormat } = trained.strategy;
  const isOwn = fileFormat !== undefined && options.as === undefined && trained.finished.length === 0;
  const file = isOwn ? await fileFormat.encode(trained) : await encodeAsLora(trained);
  const method = pythonMethodOf(file.peftType);
  const names = options.moduleNames === 'file' ? ownNames : moduleNames(trained.pythonPaths, trained.modules);
  const tensors = new Map([
    ...adapterTensors(file, method, { ...trained, names }),
    ...underRows(await parameterTensors(trained, names), Object.values(trained.tokenRows), names),
    ...(await rowTensorsIn(trained, names)),
  ]);
  const written = toPythonConfig(
    {
      ...translateConfig(file.config, { targets: trained.targets, method, from: ownNames, to: names }),
      // Python sets it as its last adapted layer needs, and again for every layer when it loads.
      fanInFanOut: trained.targets.filter(({ path }) => path in file.tensors).at(-1)?.fanInFanOut ?? false,
      ...modulesToSaveOf(trained, names),
      ...tokenIndicesOf(trained, names),
      ...selectionOf(file, trained, names),
    },
    method,
  );
  const adapted = Object.keys(file.tensors).map(names.module);
  const parameters = knownParameters(trained).map(names.parameter);
  const config = wrappedOnce(
    configToWrite(written, { trained, method, options, names, adapted, parameters }),
    parameters,
  );
  requireSaved(config, { trained, names, parameters });
  const inside = subFolderOf(options.adapter);
  await writeFolder(
    inside === undefined ? folder : nodeModule('node:path').join(folder, inside),
    {
      'adapter_model.safetensors': safetensorsChunks(narrowed(tensors, options.dtype ?? 'float32'), {
        format: 'pt',
        [fingerprintKey]: trained.fingerprint,
      }),
      'adapter_config.json': new TextEncoder().encode(pythonJson(config, method.floats)),
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

async function parameterTensors(adapter: TrainedAdapter, names: ModuleNames): Promise<[string, HostArray][]> {
  const { trained, targets, modules } = adapter;
  const entries = Object.entries(trained);
  const unknown = entries.filter(([path, tensor]) => parameterAxes(path, tensor.rank, modules) === undefined);
  if (unknown.length > 0) {
    throw new PeftError(
      'checkpoint/adapter-tensors',
      `how torch lays out these trained weights is not known, since they are no targets of the model; write the merged model with mergeAdapter and saveModel:${problemList(unknown.map(([path]) => quoted(path)))}`,
    );
  }
  const read = entries.map(async ([path, tensor]): Promise<[string, HostArray][]> => {
    const axes = parameterAxes(path, tensor.rank, modules) ?? 'same';
    const array = toFileLayout(await fromTensor(tensor), axes);
    const own = parameterName(path, targets, names);
    return [own, ...otherNames(path, adapter, names)].map((name) => [name, array]);
  });
  return (await Promise.all(read)).flat();
}

/** Where Python keeps a parameter under another name too, and looks for that name when it loads. */
function otherNames(path: string, { aliases = {}, modulesToSave, bias }: TrainedAdapter, names: ModuleNames) {
  return Object.entries(aliases)
    .filter(([alias, same]) => same === path && (bias === 'all' || isSavedWhole(alias, modulesToSave)))
    .map(([alias]) => namePrefix + names.parameter(alias));
}

function modulesToSaveOf(trained: TrainedAdapter, names: ModuleNames) {
  const { modulesToSave } = trained;
  if (modulesToSave.length === 0) return {};
  const translation = { from: ownNames, to: names, isThere: pythonSaves };
  return { modulesToSave: translateModules(modulesToSave, knownParameters(trained), translation) };
}

/** The parameters of the base that an adapter knows of. */
function knownParameters({ trained, modules, pythonPaths = {} }: TrainedAdapter): readonly string[] {
  const weights = [...Object.keys(pythonPaths), ...modules.map(({ path }) => path)].map((path) => `${path}.weight`);
  return [...new Set([...Object.keys(trained), ...weights])];
}

/** Refuses a folder in which Python would look for modules that were not trained whole. */
function requireSaved(
  { modules_to_save: listed, task_type: task }: Config,
  { trained: { trained }, names, parameters }: Pick<RestateContext, 'trained' | 'names' | 'parameters'>,
): void {
  const saved = new Set(Object.keys(trained).map(names.parameter));
  const heads = headsOfTask(task);
  const wanted = new Set([...((listed ?? []) as readonly string[]), ...heads]);
  const problems = parameters.flatMap((path) => {
    const name = saved.has(path) ? undefined : nameThatSaves(path, wanted);
    if (name === undefined) return [];
    return [`${quoted(path)}, for ${heads.includes(name) ? `task_type ${task}` : quoted(name)}`];
  });
  if (problems.length === 0) return;
  throw new PeftError(
    'checkpoint/modules-to-save',
    `Python PEFT would look for weights in this folder that were not trained: it takes every module whose name ends in one of modules_to_save, and the head of the task. Train them with modulesToSave, give the modules names of their own, or leave out taskType:${problemList(problems)}`,
  );
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
