import type { Graph } from './graph.ts';
import { GraphError } from './graphError.ts';
import { isSameType, type TensorType, typeText } from './tensorType.ts';

/** @throws GraphError `graph/input` with one line for each input that is missing, unknown or of another type. */
export function checkInputs(
  { inputs }: Graph,
  given: ReadonlyMap<string, { shape: readonly number[]; dtype: string }>,
) {
  const problems = inputs.flatMap(({ name, value }) => {
    const found = given.get(name);
    if (!found) return [`"${name}" (${typeText(value)}) is missing`];
    if (isSameType(value, found as TensorType)) return [];
    return [`"${name}" is ${typeText(found as TensorType)}, captured as ${typeText(value)}`];
  });
  const known = new Set(inputs.map(({ name }) => name));
  const unknown = [...given.keys()].filter((name) => !known.has(name)).map((name) => `"${name}" is no input`);
  const all = [...problems, ...unknown];
  if (all.length === 0) return;
  throw new GraphError(
    'graph/input',
    `the inputs do not fit the graph; pass those it was captured with:\n  ${all.join('\n  ')}`,
  );
}
