import { PeftError } from '@peft/core';
import { problemList, quoted } from '../problemList.ts';
import type { Config } from './pythonConfig.ts';
import { endIn, headsOfTask, modulesAround } from './savedModules.ts';

/**
 * A configuration, in Python's words, whose modules_to_save has Python wrap every one of these parameters once: a name
 * that also finds modules within others that are trained whole gives way to the full names of those outside. Python
 * wraps the inner ones too and then cannot load the folder. Throws `checkpoint/modules-to-save` where no names do.
 */
export function wrappedOnce(config: Config, parameters: readonly string[]): Config {
  const listed = config.modules_to_save as readonly string[] | null | undefined;
  if (!listed) return config;
  const heads = headsOfTask(config.task_type);
  const found = wrappedModules(parameters, [...listed, ...heads]);
  const outer = new Set(found.flatMap(([first]) => first ?? []));
  const inner = new Set(found.flatMap(([, ...rest]) => rest));
  const names = listed.flatMap((name) => {
    const isWithin = [...inner].some((module) => module.endsWith(name));
    return isWithin ? [...outer].filter((module) => module.endsWith(name) && !endIn(module, new Set(heads))) : [name];
  });
  const once = [...new Set(names)];
  requireOnce(wrappedModules(parameters, [...once, ...heads]));
  return { ...config, modules_to_save: once.length > 0 ? once : null };
}

/** For each parameter the modules around it that Python trains whole by these names, the outermost first. */
function wrappedModules(parameters: readonly string[], names: readonly string[]): readonly (readonly string[])[] {
  const wanted = new Set(names);
  return parameters.map((path) => modulesAround(path).filter((module) => endIn(module, wanted) !== undefined));
}

function requireOnce(found: readonly (readonly string[])[]): void {
  const problems = found.flatMap(([outer, ...inner]) =>
    outer === undefined ? [] : inner.map((module) => `${quoted(module)} lies within ${quoted(outer)}`),
  );
  if (problems.length === 0) return;
  throw new PeftError(
    'checkpoint/modules-to-save',
    `Python PEFT would train these modules whole twice, within another module too, and then not load the folder; list modules of which none lies within another in modulesToSave, or write the merged model with mergeAdapter and saveModel:${problemList([...new Set(problems)])}`,
  );
}
