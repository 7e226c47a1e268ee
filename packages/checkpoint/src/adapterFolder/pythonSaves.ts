import { endIn, modulesAround } from './savedModules.ts';

/** True for a parameter that Python trains whole: under a module whose path ends in such a name, dot or not. */
export function pythonSaves(parameter: string, modulesToSave: readonly string[]): boolean {
  return nameThatSaves(parameter, new Set(modulesToSave)) !== undefined;
}

/** The name of modules_to_save by which Python trains a parameter whole. */
export function nameThatSaves(parameter: string, modulesToSave: ReadonlySet<string>): string | undefined {
  for (const module of modulesAround(parameter)) {
    const name = endIn(module, modulesToSave);
    if (name !== undefined) return name;
  }
  return undefined;
}
