import { type AnyModel, PeftError } from '@peft/core';
import { quoted } from '../problemList.ts';
import type { SafetensorsFile } from '../safetensors/openSafetensors.ts';
import { type ModuleNames, moduleNames, ownNames } from './moduleNames.ts';
import { namePrefix } from './parameterName.ts';

/**
 * Which names of modules a file's tensors use, Python's or those of model files; undefined where the tensors fit both.
 * Throws `checkpoint/adapter-tensors` for a file that mixes them and the codes of `moduleNames`.
 */
export function namesInFile({ name, tensors }: SafetensorsFile, model: AnyModel): ModuleNames | undefined {
  const python = moduleNames(model.pythonPaths, model.targets);
  const renamed = Object.entries(model.pythonPaths ?? {}).filter(([path, theirs]) => path !== theirs);
  if (renamed.length === 0) return ownNames;
  const ours = modulesOf(renamed.map(([path]) => path));
  const theirs = modulesOf(renamed.map(([, path]) => path));
  const inMemory = [...tensors.keys()].find((key) => isUnder(key, theirs) && !isUnder(key, ours));
  const inFiles = [...tensors.keys()].find((key) => isUnder(key, ours) && !isUnder(key, theirs));
  if (inMemory !== undefined && inFiles !== undefined) {
    throw new PeftError(
      'checkpoint/adapter-tensors',
      `${name}: the file mixes two sets of module names, Python's in memory (${quoted(inMemory)}) and those of model files (${quoted(inFiles)}), and Python would leave one of them out; save the adapter again, or rename its tensors one way.`,
    );
  }
  if (inMemory !== undefined) return python;
  return inFiles === undefined ? undefined : ownNames;
}

function isUnder(key: string, { names, longest }: Modules): boolean {
  if (!key.startsWith(namePrefix)) return false;
  const start = namePrefix.length;
  // A hostile name may be nothing but dots: those beyond the longest module are not looked at.
  for (let end = key.indexOf('.', start); end >= 0 && end - start <= longest; end = key.indexOf('.', end + 1)) {
    if (names.has(key.slice(start, end))) return true;
  }
  return false;
}

type Modules = { readonly names: ReadonlySet<string>; readonly longest: number };

function modulesOf(names: readonly string[]): Modules {
  return { names: new Set(names), longest: names.reduce((most, { length }) => Math.max(most, length), 0) };
}
