import { livenessOf, readBy } from '../estimateMemory.ts';
import type { Graph, Node, Value } from '../graph.ts';
import { nodeCost } from '../nodeCost.ts';
import { bytesOf } from '../tensorType.ts';
import { deadCode } from './deadCode.ts';
import type { Pass } from './pass.ts';

export interface RecomputeOptions {
  /** What results may hold at one time, as `estimateMemory` counts it; 0 for the least there is. */
  readonly budgetBytes: number;
}

/** How many bytes one operation is worth when a plan may keep an operand longer or compute it again. */
const exchanges: readonly number[] = [1e-1, 1e-2, 1e-3, 1e-4];

/** Longest chain of nodes that is run again for one value. */
const deepest = 12;

interface Plan {
  /** Nodes to run again, in order, by index. */
  readonly nodes: readonly number[];
  readonly cost: number;
  /** What lives longer for it. */
  readonly kept: ReadonlySet<Value>;
}

/** A graph by index: who makes and reads what, and until when. */
class Schedule {
  readonly nodes: readonly Node[];
  readonly held: readonly number[];
  readonly peakNode: number;
  readonly ownerOf: (value: Value) => Value;
  readonly lastUse: ReadonlyMap<Value, number>;
  readonly makers = new Map<Value, number>();
  /** Indices of the nodes that read a value or a view of it. */
  readonly readers = new Map<Value, number[]>();

  constructor(graph: Graph) {
    this.nodes = graph.nodes;
    const { ownerOf, lastUse, held } = livenessOf(graph);
    this.ownerOf = ownerOf;
    this.lastUse = lastUse;
    this.held = held;
    this.peakNode = held.reduce((best, each, index) => (each > (held[best] as number) ? index : best), 0);
    for (const [index, node] of graph.nodes.entries()) {
      for (const output of node.outputs) this.makers.set(output, index);
      for (const owner of new Set(readBy(node).map(ownerOf))) {
        const known = this.readers.get(owner);
        if (known) known.push(index);
        else this.readers.set(owner, [index]);
      }
    }
  }

  /** Whether the peak is lower, or as high for fewer nodes. */
  isBelow(other: Schedule): boolean {
    const times = ({ held, peak }: Schedule) => held.filter((each) => each === peak).length;
    return this.peak < other.peak || (this.peak === other.peak && times(this) < times(other));
  }

  get peak(): number {
    return this.held[this.peakNode] ?? 0;
  }
}

function reduce(graph: Graph, budgetBytes: number): Graph {
  let current = graph;
  let schedule = new Schedule(graph);
  while (schedule.peak > budgetBytes) {
    const next = improved(current, schedule);
    if (!next) return current;
    [current, schedule] = next;
  }
  return current;
}

/** The graph with the best value at the peak made again after it; undefined where none helps. */
function improved(graph: Graph, schedule: Schedule): readonly [Graph, Schedule] | undefined {
  const candidates = candidatesAt(schedule).sort((left, right) => right.score - left.score);
  for (const { owner, next, plan } of candidates) {
    const tried = withClones(graph, schedule, { owner, next, plan });
    const after = new Schedule(tried);
    if (after.isBelow(schedule)) return [tried, after];
  }
  return undefined;
}

interface Candidate {
  readonly owner: Value;
  /** The first node after the peak that reads it. */
  readonly next: number;
  readonly plan: Plan;
}

/** Values that live through the peak unread, each with its best plan: bytes freed at the peak for each operation. */
function candidatesAt(schedule: Schedule): (Candidate & { readonly score: number })[] {
  const { peakNode, lastUse, makers, readers, nodes } = schedule;
  return [...lastUse].flatMap(([owner, last]) => {
    const made = makers.get(owner) as number;
    const uses = readers.get(owner) ?? [];
    if (made >= peakNode || last <= peakNode || last >= nodes.length || uses.includes(peakNode)) return [];
    const next = uses.find((index) => index > peakNode) as number;
    const plans = exchanges.flatMap((exchange) => planFor(owner, schedule, { next, exchange, dropped: owner }) ?? []);
    const scored = plans.map((plan) => {
      const extended = [...plan.kept].filter((value) => (lastUse.get(value) as number) < peakNode);
      const freed = bytesOf(owner) - extended.reduce((sum, value) => sum + bytesOf(value), 0);
      return { owner, next, plan, freed, score: freed / (plan.cost + 1) };
    });
    const [best] = scored.filter(({ freed }) => freed > 0).sort((left, right) => right.score - left.score);
    return best ? [best] : [];
  });
}

interface Wish {
  readonly next: number;
  readonly exchange: number;
  readonly dropped: Value;
}

/** What to run again so that a value is there at a node; undefined where the chain is too long. */
function planFor(value: Value, schedule: Schedule, wish: Wish): Plan | undefined {
  const { nodes, makers, lastUse, ownerOf } = schedule;
  const order: number[] = [];
  const kept = new Set<Value>();
  let cost = 0;
  const need = (each: Value, depth: number): boolean => {
    const owner = ownerOf(each);
    const made = makers.get(each);
    if (made === undefined || order.includes(made) || kept.has(owner)) return true;
    const isOwn = owner === wish.dropped;
    const last = lastUse.get(owner) ?? Number.POSITIVE_INFINITY;
    if (!isOwn && last >= wish.next) return true;
    const node = nodes[made] as Node;
    // Making it again must be worth less than keeping it.
    if (!isOwn && nodeCost(node) * wish.exchange >= bytesOf(owner)) {
      kept.add(owner);
      return true;
    }
    if (depth > deepest || !readBy(node).every((input) => need(input, depth + 1))) return false;
    order.push(made);
    cost += nodeCost(node);
    return true;
  };
  return need(value, 0) ? { nodes: order, cost, kept } : undefined;
}

function withClones(graph: Graph, { makers, ownerOf, nodes }: Schedule, { owner, next, plan }: Candidate): Graph {
  const copies = new Map<Value, Value>();
  const clones: Node[] = [];
  const copyOf = (value: Value) => copies.get(value) ?? value;
  const clone = (index: number) => {
    const node = nodes[index] as Node;
    const outputs = node.outputs.map((output) => ({ ...output }));
    clones.push({ ...node, inputs: node.inputs.map(copyOf), outputs });
    for (const [place, output] of node.outputs.entries()) copies.set(output, outputs[place] as Value);
  };
  plan.nodes.forEach(clone);
  // Only the dropped value and its views are read from the copies; what else the chain made is still where it was.
  const redirected = (value: Value): Value => {
    if (ownerOf(value) !== owner) return value;
    if (!copies.has(value)) {
      const made = makers.get(value) as number;
      for (const input of (nodes[made] as Node).inputs) redirected(input);
      clone(made);
    }
    return copyOf(value);
  };
  const rest = graph.nodes.slice(next).map((node) => {
    const isReader = node.inputs.some((input) => ownerOf(input) === owner);
    return isReader ? { ...node, inputs: node.inputs.map(redirected) } : node;
  });
  return deadCode.rewrite({ ...graph, nodes: [...graph.nodes.slice(0, next), ...clones, ...rest] as readonly Node[] });
}

/** A pass for after all others: merging equal computations would undo it. */
export function recompute({ budgetBytes }: RecomputeOptions): Pass {
  return {
    name: 'recompute',
    doc: 'Runs cheap nodes again where the backward pass reads them instead of holding their results until then.',
    rewrite: (graph) => reduce(graph, budgetBytes),
  };
}
