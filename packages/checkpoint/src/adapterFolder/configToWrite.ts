import { valueProblems } from './fieldValue.ts';
import type { Config } from './pythonConfig.ts';
import { unknownKeys } from './pythonConfig.ts';
import type { PythonMethod } from './pythonMethods.ts';
import { type RestateContext, restated } from './restated.ts';
import type { SaveAdapterOptions } from './saveAdapter.ts';

type WriteContext = Omit<RestateContext, 'task'> & {
  readonly method: PythonMethod;
  readonly options: SaveAdapterOptions;
};

/**
 * The whole adapter_config.json to write: Python's defaults, what this save says, and what the file that the adapter
 * came with said where that still holds. Of a file of another method only what is about the base and the task holds.
 */
export function configToWrite(written: Config, { trained, method, options, ...context }: WriteContext): Config {
  const { fields } = method;
  const origin = rightValues(trained.fileConfig ?? {}, method);
  const isSameMethod = origin.peft_type === fields.peft_type?.default;
  const kept = Object.entries(origin).filter(([key]) => {
    const field = fields[key];
    if (field?.fate === 'kept') return isSameMethod || field.under === 'any';
    return field === undefined && isSameMethod;
  });
  const { base, revision, taskType, autoMapping } = options;
  const task = taskType === undefined ? origin.task_type : taskType;
  const chosen = { base_model_name_or_path: base, revision, task_type: taskType, auto_mapping: autoMapping };
  return {
    ...Object.fromEntries(Object.entries(fields).map(([key, field]) => [key, field.default])),
    ...written,
    ...Object.fromEntries(kept),
    ...(isSameMethod ? restated(origin, written, { ...context, trained, method, task }) : {}),
    ...Object.fromEntries(Object.entries(chosen).filter(([, value]) => value !== undefined)),
  };
}

/** What a file said, without values that no file may have: the record is plain data, which anybody may have changed. */
function rightValues(origin: Config, method: PythonMethod): Config {
  const unknown = new Set(unknownKeys(origin, method));
  const right = Object.entries(origin).filter(([key, value]) => {
    const field = method.fields[key];
    if (key === 'peft_type') return true;
    return field === undefined ? unknown.has(key) : valueProblems(field.value, key, value).length === 0;
  });
  return Object.fromEntries(right);
}
