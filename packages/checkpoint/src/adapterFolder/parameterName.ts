import type { BiasMode, Target } from '@peft/core';
import type { ModuleNames } from './moduleNames.ts';

/** What every name in an adapter file begins with: Python's wrapper around the base model. */
export const namePrefix = 'base_model.model.';

/** The name in a file of a parameter trained whole: one in an adapted module lies under its base_layer. */
export function parameterName(path: string, targets: readonly Target[], names: ModuleNames): string {
  const dot = path.lastIndexOf('.');
  const module = path.slice(0, Math.max(dot, 0));
  const isAdapted = targets.some((target) => target.path === module);
  return namePrefix + (isAdapted ? `${names.module(module)}.base_layer${path.slice(dot)}` : names.parameter(path));
}

/** True for a parameter of a module that is trained whole. */
export function isSavedWhole(path: string, modulesToSave: readonly string[]): boolean {
  return modulesToSave.some((module) => `.${path}`.includes(`.${module}.`));
}

/** True for a bias that this mode trains. */
export function isTrainedBias(path: string, bias: BiasMode, targets: readonly Target[]): boolean {
  if (bias === 'all') return path.endsWith('.bias');
  return bias === 'adapted' && targets.some((target) => `${target.path}.bias` === path);
}
