import type { Target } from '@peft/core';
import type { PythonMethod } from './pythonMethods.ts';
import { type Translation, translatePattern } from './translatePattern.ts';

type Config = Readonly<Record<string, unknown>>;

/** The same settings where modules have other names: rank and alpha patterns are what mentions them by target. */
export function translateConfig(
  config: Config,
  { targets, method, ...names }: Translation & { readonly targets: readonly Target[]; readonly method: PythonMethod },
): Config {
  const { rankPattern, alphaPattern } = config;
  const isByPath = method.rankKeyEnd !== '';
  return {
    ...config,
    ...(rankPattern === undefined
      ? {}
      : { rankPattern: (isByPath ? translatePaths : translatePattern)(rankPattern, targets, names) }),
    ...(alphaPattern === undefined ? {} : { alphaPattern: translatePattern(alphaPattern, targets, names) }),
  };
}

function translatePaths(byPath: unknown, targets: readonly Target[], { from, to }: Translation): unknown {
  if (typeof byPath !== 'object' || byPath === null) return byPath;
  const renamed = new Map(targets.map(({ path }) => [from.module(path), to.module(path)]));
  return Object.fromEntries(Object.entries(byPath).map(([key, value]) => [renamed.get(key) ?? key, value]));
}
