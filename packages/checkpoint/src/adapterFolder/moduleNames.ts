import { PeftError, type Target } from '@peft/core';
import { problemList, quoted } from '../problemList.ts';

/** What a file calls the modules and parameters of a model. */
export type ModuleNames = {
  /** The name of the module at this path. */
  module(path: string): string;
  /** The name of the parameter at this path: its module's, and its own. */
  parameter(path: string): string;
  /** The target as it would be if the library called it so too. */
  target(target: Target): Target;
};

/** The library's own paths, which are the names in model files. */
export const ownNames: ModuleNames = { module: (path) => path, parameter: (path) => path, target: (target) => target };

/**
 * Python's names of modules in memory, by what a model states of them. Throws `checkpoint/module-names` where two
 * modules would have one name.
 */
export function moduleNames(
  pythonPaths: Readonly<Record<string, string>> | undefined,
  modules: readonly Target[],
): ModuleNames {
  if (pythonPaths === undefined) return ownNames;
  const module = (path: string) => (Object.hasOwn(pythonPaths, path) ? pythonPaths[path] : undefined) ?? path;
  const byName = new Map<string, string[]>();
  for (const path of new Set([...Object.keys(pythonPaths), ...modules.map((target) => target.path)])) {
    byName.set(module(path), [...(byName.get(module(path)) ?? []), path]);
  }
  const shared = [...byName].filter(([, paths]) => paths.length > 1);
  if (shared.length > 0) {
    throw new PeftError(
      'checkpoint/module-names',
      `the model's pythonPaths give several modules one name; give each its own:${problemList(shared.map(([name, paths]) => `${quoted(name)}: ${paths.map(quoted).join(', ')}`))}`,
    );
  }
  return {
    module,
    parameter(path) {
      const dot = path.lastIndexOf('.');
      return dot < 0 ? path : module(path.slice(0, dot)) + path.slice(dot);
    },
    target: (target) => ({ ...target, path: module(target.path) }),
  };
}
