import type { Graph, TensorType } from '@peft/graph';
import { CompilerError } from './compilerError.ts';

/**
 * Every leaf of the state comes back in the type it has, and metrics are single numbers.
 * @throws CompilerError `compiler/state`, `compiler/metric`
 */
export function checkCaptured({ inputs, outputs }: Graph): void {
  const given = new Map(inputs.filter(isState).map(({ name, value }) => [name, value]));
  const returned = new Map(outputs.filter(isState).map(({ name, value }) => [name, value]));
  const text = (value: TensorType) => `${value.dtype}[${value.shape}]`;
  const problems = [...given].flatMap(([name, value]) => {
    const next = returned.get(name);
    if (next === undefined) return [`"${name}" is not returned`];
    return text(next) === text(value) ? [] : [`"${name}" is ${text(value)} and returned as ${text(next)}`];
  });
  for (const name of returned.keys()) if (!given.has(name)) problems.push(`"${name}" is new`);
  if (problems.length > 0) {
    throw new CompilerError(
      'compiler/state',
      `a compiled function returns the state it was given, leaf for leaf in the same types; this one does not:\n  ${problems.join('\n  ')}`,
    );
  }
  const uneven = outputs.filter(({ name, value }) => name.startsWith('metrics/') && value.shape.length > 0);
  if (uneven.length === 0) return;
  throw new CompilerError(
    'compiler/metric',
    `metrics are 0-d tensors; reduce these, or return them as outputs: ${uneven.map(({ name }) => name).join(', ')}.`,
  );
}

const isState = ({ name }: { readonly name: string }) => name.startsWith('state/');
