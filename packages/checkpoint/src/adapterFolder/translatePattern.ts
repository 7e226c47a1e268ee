import { patternKeys, patternResolver, type Target, type TargetPattern } from '@peft/core';
import type { ModuleNames } from './moduleNames.ts';
import { exactly } from './pythonSelection.ts';

/** From one set of names to another. */
export type Translation = { readonly from: ModuleNames; readonly to: ModuleNames };

/**
 * A rank or alpha pattern that gives the targets under other names what it gives them under these: its keys that match
 * any where no name differs, else one key for every target that has a number. Python leaves keys without a match in
 * files. What is no pattern stays for the method to refuse. Throws `target/ambiguous-pattern` and `target/pattern`.
 */
export function translatePattern(pattern: unknown, targets: readonly Target[], { from, to }: Translation): unknown {
  if (!isPattern(pattern)) return pattern;
  if (targets.every(({ path }) => from.module(path) === to.module(path))) {
    const keysOf = patternKeys(pattern);
    const used = new Set(targets.flatMap(({ path }) => keysOf(from.module(path)).map(({ key }) => key)));
    return Object.fromEntries(Object.entries(pattern).filter(([key]) => used.has(key)));
  }
  const numberOf = patternResolver(pattern);
  const entries = targets.flatMap(({ path }): [string, number][] => {
    const number = numberOf(from.module(path));
    return number === undefined ? [] : [[`^${exactly(to.module(path))}`, number]];
  });
  return Object.fromEntries(entries);
}

function isPattern(value: unknown): value is TargetPattern {
  return typeof value === 'object' && value !== null && Object.values(value).every(Number.isFinite);
}
