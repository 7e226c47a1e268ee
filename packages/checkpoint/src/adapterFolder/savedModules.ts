import type { SafetensorsFile } from '../safetensors/openSafetensors.ts';
import type { ModuleNames } from './moduleNames.ts';
import { isSavedWhole, namePrefix } from './parameterName.ts';

/** Modules that Python's wrapper of a task trains whole, whatever modules_to_save says. */
const taskHeads: Readonly<Record<string, readonly string[]>> = {
  SEQ_CLS: ['classifier', 'score'],
  TOKEN_CLS: ['classifier', 'score'],
  QUESTION_ANS: ['qa_outputs'],
};

/** The heads that a task trains whole in Python; none for a task that has none, or for no task. */
export function headsOfTask(taskType: unknown): readonly string[] {
  return typeof taskType === 'string' && Object.hasOwn(taskHeads, taskType) ? (taskHeads[taskType] ?? []) : [];
}

type SavedOptions = {
  /** `modules_to_save` of the file. */
  readonly listed: readonly string[];
  readonly taskType: unknown;
  /** Of the model's parameters. */
  readonly paths: readonly string[];
  readonly names: ModuleNames;
};

/**
 * Modules that a file trains whole, by its names, among those that the model has: the listed ones, the heads of its
 * task, and those that only end in such a name (Python's rule: `score` is also `my_score`) where the file has them.
 */
export function savedModules(
  { tensors }: Pick<SafetensorsFile, 'tensors'>,
  { listed, taskType, paths, names }: SavedOptions,
): readonly string[] {
  const wanted = new Set([...listed, ...headsOfTask(taskType)]);
  const parameters = paths.map(names.parameter);
  const inside = new Set(parameters.flatMap(runsOfNames));
  const whole = [...wanted].filter((module) => inside.has(module));
  const loose = parameters
    .filter((path) => tensors.has(namePrefix + path) && !isSavedWhole(path, whole))
    .flatMap((path) => modulesAround(path).find((module) => endIn(module, wanted) !== undefined) ?? []);
  return [...whole, ...new Set(loose)];
}

/** The name, of those given, with which a module's path ends, dot or not: what Python compares. */
export function endIn(module: string, names: ReadonlySet<string>): string | undefined {
  for (let start = 0; start < module.length; start++) {
    const end = module.slice(start);
    if (names.has(end)) return end;
  }
  return undefined;
}

/** Every run of whole names in the path of a parameter's module: `a.b` has `a`, `a.b` and `b`. */
function runsOfNames(parameter: string): readonly string[] {
  const parts = parameter.split('.').slice(0, -1);
  return parts.flatMap((_, start) =>
    parts.slice(start).map((__, length) => parts.slice(start, start + length + 1).join('.')),
  );
}

/** The paths of the modules around a parameter, the outermost first. */
export function modulesAround(path: string): readonly string[] {
  const parts = path.split('.');
  return parts.slice(1).map((_, index) => parts.slice(0, index + 1).join('.'));
}
