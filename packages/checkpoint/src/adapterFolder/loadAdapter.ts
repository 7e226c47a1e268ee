import {
  type AdapterFile,
  type AnyModel,
  baseFacts,
  type FileFormat,
  type HostArray,
  PeftError,
  type Target,
  type TrainedAdapter,
  type Tree,
  toFloat32,
  toTensor,
  uploadSnapshot,
  withRows,
} from '@peft/core';
import * as tf from '@tensorflow/tfjs';
import { namingFolder } from '../namingFolder.ts';
import type { FolderSource } from '../openFolder.ts';
import { quoted } from '../problemList.ts';
import type { SafetensorsFile } from '../safetensors/openSafetensors.ts';
import { adapterSettings } from './adapterSettings.ts';
import { checkAdapterTensors } from './checkAdapterTensors.ts';
import { checkConfig } from './checkConfig.ts';
import { checkLoadCall } from './checkLoadCall.ts';
import { checkTies } from './checkTies.ts';
import { type ExpectedTensor, expectParameters, expectParts } from './expectTensors.ts';
import { type ModuleNames, moduleNames, ownNames } from './moduleNames.ts';
import { namesInFile } from './namesInFile.ts';
import { namePrefix } from './parameterName.ts';
import { fromPythonConfig, unknownKeys } from './pythonConfig.ts';
import { pythonMethodOf } from './pythonMethodOf.ts';
import { type AdapterFolder, readAdapterFolder } from './readAdapterFolder.ts';
import { fingerprintKey } from './saveAdapter.ts';
import { expectRows, readTables, underRows } from './tokenRows.ts';
import { fromFileLayout } from './torchLayout.ts';
import { translateConfig } from './translateConfig.ts';

export interface LoadAdapterOptions {
  /** The methods that may be in the folder: `loraFileFormat`, `adaloraFileFormat`, or your own. */
  readonly formats: readonly FileFormat[];
  /** Name of the adapter, in a folder that holds several. */
  readonly adapter?: string;
  /** Refuse an adapter that was saved on a base with other values; true when left out. Python's files do not say. */
  readonly checkBase?: boolean;
  readonly onWarning?: (warning: string) => void;
}

/**
 * Reads an adapter that Python PEFT or `saveAdapter` wrote. Its tensors are live and the caller's
 * (`disposeAdapter` frees them). The tensors say which targets are adapted; they must be exactly what the configuration
 * and the model expect. They also say whether the file calls modules as Python does in memory or as model files do,
 * where the model states both; a file that mixes the two is refused. Throws `checkpoint/options`,
 * `checkpoint/peft-type`, `checkpoint/adapter-config`, `checkpoint/adapter-targets`, `checkpoint/adapter-tensors`,
 * `checkpoint/module-names`, `checkpoint/base`, the method's own codes, and those of reading files.
 */
export async function loadAdapter(
  source: FolderSource,
  model: AnyModel,
  options: LoadAdapterOptions,
): Promise<TrainedAdapter> {
  checkLoadCall(source, model, options);
  const { formats, adapter: adapterName, checkBase = true, onWarning = console.warn } = options;
  const folder = await readAdapterFolder(source, adapterName);
  const { file } = folder;
  const format = formatOf(folder.name, folder.config.peft_type, formats);
  const method = pythonMethodOf(format.peftType);
  checkConfig(folder.name, folder.config, method);
  const unknown = unknownKeys(folder.config, method);
  if (unknown.length > 0) {
    onWarning(
      `${folder.name}: adapter_config.json has settings that are not known here: ${sayNames(unknown)}. A newer Python PEFT may have written it; they have no effect, and saveAdapter writes them again.`,
    );
  }
  const written = fromPythonConfig(folder.config, method);
  const { names, settings } = namedSettings(folder, written, model);
  const adapted = modulesWithTensors(file, names, model.targets);
  const named = model.targets.filter(({ path }) => adapted.has(names.module(path)));
  const targets = model.targets.filter((target) => named.includes(target) || settings.selected?.includes(target));
  if (targets.length === 0) throw nothingAdapted(file, model.targets);
  const unselected = settings.selected && named.filter((target) => !settings.selected?.includes(target));
  if (unselected?.length) {
    onWarning(
      `${folder.name}: target_modules does not select ${sayNames(unselected.map((target) => names.module(target.path)))}, whose tensors are in the file; they are used here, and Python PEFT would leave them out.`,
    );
  }
  checkTies(folder.name, written.ensureWeightTying, { model, targets, settings });
  const config = await namingFolder(folder.name, () =>
    translateConfig(written, { targets, method, from: names, to: ownNames }),
  );
  const shapes = await namingFolder(folder.name, () => format.shapes(config, targets));
  const parts = expectParts(shapes, method, { targets, names });
  const parameters = expectParameters(model, settings, { targets, names });
  const tables = readTables(folder.name, written.trainableTokenIndices, { model, names, targets, ...settings });
  const rowsOf = expectRows(tables, { model, names });
  const expected = new Map([...parts, ...underRows(parameters, tables.values(), names), ...rowsOf]);
  await checkAdapterTensors(file, expected, { model, names });
  const facts = baseFacts(model);
  if (checkBase) requireBase(file, facts.fingerprint);
  const { tensors, trained, rows } = await readTensors(file, expected);
  const decoded = await namingFolder(folder.name, () =>
    format.decode({ peftType: format.peftType, config, tensors }, targets),
  );
  // What is uploaded is freed again where an upload fails.
  const live = tf.tidy(() => ({
    params: uploadSnapshot(decoded.params),
    state: uploadSnapshot(decoded.state),
    trained: Object.fromEntries([...trained].map(([path, array]) => [path, toTensor(array)])),
    rows: Object.fromEntries([...rows].map(([path, array]) => [path, toTensor(array)])),
  }));
  return {
    ...facts,
    strategy: decoded.strategy,
    targets,
    fileConfig: folder.config,
    modulesToSave: settings.modulesToSave,
    bias: settings.bias,
    finished: [],
    adapter: { params: live.params as Tree, state: live.state },
    trained: live.trained,
    tokenRows: withRows(Object.fromEntries(tables), live.rows),
  };
}

/** The settings, read by the names that the file uses. */
function namedSettings({ file }: AdapterFolder, config: AdapterFile['config'], model: AnyModel) {
  const settingsBy = (names: ModuleNames) => ({ names, settings: adapterSettings(file, config, { model, names }) });
  const names = namesInFile(file, model);
  if (names) return settingsBy(names);
  // The tensors fit both sets of names: the one whose selection asks for more, Python's where neither does.
  const [python, own] = [settingsBy(moduleNames(model.pythonPaths, model.targets)), settingsBy(ownNames)];
  return (own.settings.selected?.length ?? 0) > (python.settings.selected?.length ?? 0) ? own : python;
}

function formatOf(what: string, peftType: unknown, formats: readonly FileFormat[]): FileFormat {
  const format = formats.find((each) => each.peftType === peftType);
  if (format) return format;
  const known = formats.map((each) => each.peftType).join(', ') || 'none';
  const said = typeof peftType === 'string' ? `is of type ${quoted(peftType)}` : 'does not say its peft_type';
  throw new PeftError(
    'checkpoint/peft-type',
    `${what}: the adapter ${said}, and the formats given read ${known}; pass the file format of its method in formats.`,
  );
}

// A module's own tensors follow its path and a name that begins with lora_; what lies deeper belongs to others.
function modulesWithTensors({ tensors }: SafetensorsFile, names: ModuleNames, targets: readonly Target[]) {
  const modules = new Set(targets.map(({ path }) => names.module(path)));
  const longest = [...modules].reduce((most, { length }) => Math.max(most, length), 0);
  const found = new Set<string>();
  const start = namePrefix.length;
  for (const name of tensors.keys()) {
    if (!name.startsWith(namePrefix)) continue;
    for (
      let end = name.indexOf('.lora_', start);
      end >= 0 && end - start <= longest;
      end = name.indexOf('.lora_', end + 1)
    )
      found.add(name.slice(start, end));
  }
  return found;
}

function nothingAdapted({ name, tensors }: SafetensorsFile, targets: readonly Target[]): PeftError {
  const first = [...tensors.keys()].slice(0, 2).map(quoted).join(', ') || 'no tensors';
  return new PeftError(
    'checkpoint/adapter-targets',
    `${name}: none of the file's ${tensors.size} tensors belongs to a target of this model; the file has ${first}, the model's targets are ${sayNames(targets.map(({ path }) => path)) || 'none'}. Load the base it was trained on.`,
  );
}

function sayNames(names: readonly string[]): string {
  const shown = names.slice(0, 4).map(quoted).join(', ');
  return names.length > 4 ? `${shown} and ${names.length - 4} more` : shown;
}

function requireBase({ name, metadata }: SafetensorsFile, fingerprint: string): void {
  const saved = metadata[fingerprintKey];
  if (saved === undefined || saved === fingerprint) return;
  throw new PeftError(
    'checkpoint/base',
    `${name}: the adapter was saved on a base with fingerprint ${quoted(saved)}, and this model's is ${fingerprint}; load the base it was trained on, without merges, or pass checkBase: false if only parts that the adapter replaces differ.`,
  );
}

async function readTensors({ tensors }: SafetensorsFile, expected: ReadonlyMap<string, ExpectedTensor>) {
  const parts: Record<string, Record<string, HostArray>> = {};
  const trained = new Map<string, HostArray>();
  const rows = new Map<string, HostArray>();
  for (const [name, { goesTo, axes = 'same', shape }] of expected) {
    const stored = tensors.get(name);
    const array = stored ? await stored.read() : { dtype: 'float32' as const, shape, data: new Float32Array(0) };
    const widened: HostArray = { dtype: 'float32', shape: array.shape, data: toFloat32(array) };
    const own = fromFileLayout(widened, axes);
    if ('table' in goesTo) rows.set(goesTo.table, own);
    else if ('parameter' in goesTo) trained.set(goesTo.parameter, own);
    else parts[goesTo.target] = { ...parts[goesTo.target], [goesTo.part]: own };
  }
  return { tensors: parts, trained, rows };
}
