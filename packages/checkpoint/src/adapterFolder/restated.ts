import { isPeftError, patternResolver, type TargetPattern, type TrainedAdapter } from '@peft/core';
import { isRecord } from '../parseJson.ts';
import { selectedTargets } from './adapterSettings.ts';
import type { ModuleNames } from './moduleNames.ts';
import { type Config, fromPythonConfig } from './pythonConfig.ts';
import { isValuesOnly } from './pythonInits.ts';
import type { PythonMethod } from './pythonMethods.ts';
import { nameThatSaves } from './pythonSaves.ts';
import { headsOfTask } from './savedModules.ts';
import { sameTables } from './tokenRows.ts';

export type RestateContext = {
  readonly trained: TrainedAdapter;
  readonly method: PythonMethod;
  readonly names: ModuleNames;
  /** Adapted modules as the file calls them. */
  readonly adapted: readonly string[];
  /** The parameters of the model that are known here, as the file calls them. */
  readonly parameters: readonly string[];
  /** What `task_type` will be. */
  readonly task: unknown;
};

const selectionKeys = ['target_modules', 'exclude_modules', 'layers_to_transform', 'layers_pattern'] as const;

/** Options as a file spelt them, where that means what is written now: a selection, names, patterns, numbers. */
export function restated(origin: Config, written: Config, context: RestateContext): Config {
  const same: Config = Object.fromEntries(
    Object.entries(meansTheSame)
      .filter(([key, isSame]) => Object.hasOwn(origin, key) && isSame(origin[key], written[key], { written, context }))
      .map(([key]) => [key, origin[key]]),
  );
  const saved = (same.modules_to_save ?? written.modules_to_save ?? []) as readonly string[];
  if (!selectsTheSame(origin, [...saved, ...headsOfTask(context.task)], context)) return same;
  return { ...same, ...Object.fromEntries(selectionKeys.map((key) => [key, origin[key] ?? null])) };
}

type Meaning = (
  origin: unknown,
  written: unknown,
  rest: { readonly written: Config; readonly context: RestateContext },
) => boolean;

const samePattern: Meaning = (origin, written, { context }) => {
  if (!isRecord(origin) || !isRecord(written)) return false;
  const [theirs, ours] = [valuesBy(origin, context), valuesBy(written, context)];
  return theirs !== undefined && `${theirs}` === `${ours}`;
};

const meansTheSame: Readonly<Record<string, Meaning>> = {
  alpha_pattern: samePattern,
  init_lora_weights: (origin, written) => {
    if (origin === null || isValuesOnly(origin)) return written === true;
    return typeof origin === 'string' && origin.toLowerCase() === written;
  },
  // The scale goes through a quotient and back.
  lora_alpha: (origin, written) => Number(origin).toPrecision(11) === Number(written).toPrecision(11),
  modules_to_save: (origin, _, { context: { trained, names, parameters, task } }) => {
    const theirs = new Set([...((origin ?? []) as readonly string[]), ...headsOfTask(task)]);
    const saved = new Set(Object.keys(trained.trained).map(names.parameter));
    const isSaved = (path: string) => nameThatSaves(path, theirs) !== undefined;
    return (
      parameters.every((path) => !isSaved(path) || saved.has(path)) &&
      [...saved].every((path) => isSaved(path) || path.endsWith('.bias'))
    );
  },
  rank_pattern: (origin, now, rest) => {
    const { rankKeyEnd } = rest.context.method;
    if (rankKeyEnd === '') return samePattern(origin, now, rest);
    if (!isRecord(origin)) return false;
    const whole = Array(Number(rest.written.init_r)).fill(true);
    const live = (pattern: unknown, path: string) => (isRecord(pattern) && pattern[path + rankKeyEnd]) || whole;
    return (
      Object.keys(origin).every((key) => key.endsWith(rankKeyEnd)) &&
      rest.context.adapted.every((path) => `${live(origin, path)}` === `${live(now, path)}`)
    );
  },
  trainable_token_indices: (origin, _, { context: { trained, names } }) => sameTables(origin, trained, names),
  target_r: (origin, written, rest) => Math.min(Number(origin), Number(rest.written.init_r)) === written,
};

function valuesBy(pattern: Config, { adapted }: RestateContext): readonly (number | undefined)[] | undefined {
  try {
    return adapted.map(patternResolver(pattern as TargetPattern));
  } catch (error) {
    if (isPeftError(error)) return undefined;
    throw error;
  }
}

function selectsTheSame(
  origin: Config,
  modulesToSave: readonly string[],
  { trained, method, names, adapted }: RestateContext,
): boolean {
  const selected = selectedTargets(fromPythonConfig(origin, method), {
    modules: trained.modules,
    modulesToSave,
    outputHead: trained.outputHead,
    names,
  });
  if (selected === undefined) return false;
  const paths = new Set(selected.map(({ path }) => names.module(path)));
  return paths.size === adapted.length && adapted.every((path) => paths.has(path));
}
