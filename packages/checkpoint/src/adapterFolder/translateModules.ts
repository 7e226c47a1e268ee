import { isSavedWhole } from './parameterName.ts';
import { exactly } from './pythonSelection.ts';
import type { Translation } from './translatePattern.ts';

/**
 * modules_to_save under other names: a name that means the same parameters there stays, and one that does not gives
 * way to the modules that hold them, as does one that Python would find inside itself. `isThere` says what a name means
 * under the other names.
 */
export function translateModules(
  modules: readonly string[],
  parameters: readonly string[],
  { from, to, isThere = isSavedWhole }: Translation & { readonly isThere?: typeof isSavedWhole },
): readonly string[] {
  const translated = modules.flatMap((module) => {
    const chosen = parameters.filter((path) => isSavedWhole(from.parameter(path), [module]));
    const there = parameters.filter((path) => isThere(to.parameter(path), [module]));
    const isNested = there.some((path) => isTwiceIn(to.parameter(path), module));
    if (`${chosen}` === `${there}` && !isNested) return [module];
    return chosen.map((path) => to.module(path.slice(0, path.lastIndexOf('.'))));
  });
  return [...new Set(translated)];
}

function isTwiceIn(path: string, module: string): boolean {
  return `.${path}`.split(new RegExp(`\\.${exactly(module)}(?=\\.)`)).length > 2;
}
