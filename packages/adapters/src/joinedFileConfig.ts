import type { TrainedAdapter } from '@peft/core';

/** What a file says of the base and the task, whatever the method, in Python's words. */
const lasting = ['auto_mapping', 'base_model_name_or_path', 'revision', 'task_type'];

/** What the files of adapters all say of their base and task; undefined where one has none or they agree on nothing. */
export function joinedFileConfig(adapters: readonly TrainedAdapter[]): TrainedAdapter['fileConfig'] {
  const [first, ...others] = adapters.map(({ fileConfig }) => fileConfig ?? {});
  const said = (value: unknown) => JSON.stringify(value);
  const agreed = Object.entries(first ?? {}).filter(
    ([key, value]) => lasting.includes(key) && others.every((other) => said(other[key]) === said(value)),
  );
  return agreed.length > 0 ? Object.fromEntries(agreed) : undefined;
}
