import { type Target, targetMatcher } from '@peft/core';

/**
 * target_modules that select exactly these paths in Python: full names, which also match as the end of a longer name;
 * where one would, a regular expression for whole names.
 */
export function pythonSelection(paths: readonly string[], modules: readonly Target[]): string | readonly string[] {
  const names = [...paths].sort();
  const chosen = new Set(names);
  const isChosen = targetMatcher({ targets: names });
  if (modules.every((module) => chosen.has(module.path) || !isChosen(module))) return names;
  return names.map(exactly).join('|');
}

/** A regular expression, Python's and JavaScript's alike, for one path. */
export function exactly(path: string): string {
  return path.replace(/[.*+?^${}()|[\]\\]/g, '\\$&');
}
