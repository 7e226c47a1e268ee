import { modulesAround } from './savedModules.ts';

/** True for a parameter that Python trains whole: under a module whose path ends in such a name, dot or not. */
export function pythonSaves(parameter: string, modulesToSave: readonly string[]): boolean {
  return modulesAround(parameter).some((module) => modulesToSave.some((name) => module.endsWith(name)));
}
