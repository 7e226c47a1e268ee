import type { Graph, Value } from '@peft/graph';
import type { Step } from './step.ts';

/** The values whose memory metrics and outputs show: made where the host reads them, they need no copy. */
export function resultRoots({ outputs }: Pick<Graph, 'outputs'>, steps: readonly Step[]): ReadonlySet<Value> {
  const sources = new Map<Value, Value>();
  for (const { isView, inputs, outputs: made } of steps) {
    if (isView) sources.set(made[0] as Value, inputs[0] as Value);
  }
  const roots = new Set<Value>();
  for (const { name, value } of outputs) {
    if (name.startsWith('state/')) continue;
    let root = value;
    for (let next = sources.get(root); next; next = sources.get(root)) root = next;
    roots.add(root);
  }
  return roots;
}
