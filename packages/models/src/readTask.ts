import { type ConfigFields, sayValue } from './configFields.ts';

/** What the one entry of `architectures` is for, by the names of transformers' classes. */
export function readTask<Task extends string>(
  fields: ConfigFields,
  architectures: unknown,
  tasks: Readonly<Record<string, Task>>,
): Task {
  const name: unknown = Array.isArray(architectures) && architectures.length === 1 ? architectures[0] : undefined;
  const task = typeof name === 'string' && Object.hasOwn(tasks, name) ? tasks[name] : undefined;
  if (task) return task;
  const supported = Object.keys(tasks).map((each) => `["${each}"]`);
  return fields.problem(
    `architectures is ${sayValue(architectures)}; it says what the model is for and must be ${supported.slice(0, -1).join(', ')} or ${supported.at(-1)}`,
    Object.values(tasks)[0] as Task,
  );
}
