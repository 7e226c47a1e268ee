import type { Graph, Value } from '@peft/graph';
import type { Step } from './step.ts';

/** The values whose memory metrics and outputs show: made where the host reads them, they need no copy. */
export function resultRoots({ outputs }: Pick<Graph, 'outputs'>, steps: readonly Step[]): ReadonlySet<Value> {
  const sources = new Map<Value, Value>();
  for (const { isView, over, inputs, outputs: made } of steps) {
    const source = inputs[isView ? 0 : (over ?? -1)];
    if (source && made[0]) sources.set(made[0], source);
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
