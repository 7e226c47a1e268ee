import { livenessOf } from '../estimateMemory.ts';
import type { Graph, Node, Value } from '../graph.ts';
import { bytesOf } from '../tensorType.ts';
import type { Pass } from './pass.ts';

/** Nodes that free at least what they make run as soon as they can, all others in the order they have. */
function reorder(graph: Graph): Graph {
  const { nodes } = graph;
  const { ownerOf, lastUse } = livenessOf(graph);
  const makers = new Map<Value, number>();
  for (const [index, node] of nodes.entries()) for (const output of node.outputs) makers.set(output, index);
  const sources = nodes.map(({ inputs }) => new Set(inputs.flatMap((input) => makers.get(input) ?? [])));
  const waiting = sources.map(({ size }) => size);
  const users: number[][] = nodes.map(() => []);
  for (const [index, each] of sources.entries()) for (const source of each) users[source]?.push(index);
  const owners = nodes.map(({ inputs }) => new Set(inputs.map(ownerOf).filter((owner) => lastUse.has(owner))));
  const isKept = (value: Value) => (lastUse.get(value) ?? 0) >= nodes.length;
  const readersLeft = new Map<Value, number>();
  for (const each of owners) for (const owner of each) readersLeft.set(owner, (readersLeft.get(owner) ?? 0) + 1);
  const growth = (index: number): number => {
    const node = nodes[index] as Node;
    const made = node.outputs.filter((output) => ownerOf(output) === output);
    const freed = [...(owners[index] as Set<Value>)].filter((owner) => readersLeft.get(owner) === 1 && !isKept(owner));
    const sum = (values: readonly Value[]) => values.reduce((bytes, value) => bytes + bytesOf(value), 0);
    return sum(made) - sum(freed);
  };
  const order: Node[] = [];
  const done = new Set<number>();
  const eager: number[] = [];
  const run = (index: number) => {
    order.push(nodes[index] as Node);
    done.add(index);
    for (const owner of owners[index] as Set<Value>) readersLeft.set(owner, (readersLeft.get(owner) as number) - 1);
    for (const user of users[index] as number[]) {
      waiting[user] = (waiting[user] as number) - 1;
      if (waiting[user] === 0) eager.push(user);
    }
  };
  for (const index of nodes.keys()) {
    // Ready nodes are looked at again after each run: one reader less may make one free what it reads.
    for (;;) {
      const found = eager.findIndex((each) => !done.has(each) && growth(each) <= 0);
      if (found < 0) break;
      run(eager.splice(found, 1)[0] as number);
    }
    if (!done.has(index)) run(index);
  }
  const next = { ...graph, nodes: order };
  const peak = (each: Graph) => livenessOf(each).held.reduce((most, held) => Math.max(most, held), 0);
  return peak(next) < peak(graph) ? next : graph;
}

export const schedule: Pass = {
  name: 'schedule',
  doc: 'Runs nodes that free what they make or more as soon as they can, such as updates once their gradient is there, where that lowers the peak.',
  rewrite: reorder,
};
