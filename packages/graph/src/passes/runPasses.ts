import type { Graph } from '../graph.ts';
import { GraphError } from '../graphError.ts';
import { algebra } from './algebra.ts';
import { aliases } from './aliases.ts';
import { commonSubexpressions } from './commonSubexpressions.ts';
import { deadCode } from './deadCode.ts';
import { folding } from './folding.ts';
import { groupProducts } from './groupProducts.ts';
import type { Pass } from './pass.ts';
import { reshapesOutward } from './reshapesOutward.ts';
import { transposesIntoProducts } from './transposesIntoProducts.ts';

/** The passes every executor wants, in the order in which each finds most to do. */
export const standardPasses: readonly Pass[] = [
  deadCode,
  aliases,
  folding,
  algebra,
  reshapesOutward,
  transposesIntoProducts,
  groupProducts,
  commonSubexpressions,
];

export interface PassesOptions {
  readonly passes?: readonly Pass[];
  /** Called with the graph after each pass that changed it. */
  readonly onPass?: (pass: Pass, graph: Graph) => void;
}

const mostRounds = 50;

/** Runs the passes in turn until each has left the graph as it is. */
export function runPasses(graph: Graph, { passes = standardPasses, onPass }: PassesOptions = {}): Graph {
  let current = graph;
  let unchanged = 0;
  for (let turn = 0; turn < mostRounds * passes.length; turn++) {
    const pass = passes[turn % passes.length] as Pass;
    const next = pass.rewrite(current);
    unchanged = next === current ? unchanged + 1 : 0;
    if (next !== current) onPass?.(pass, next);
    current = next;
    if (unchanged === passes.length) return current;
  }
  if (passes.length === 0) return current;
  const names = passes.map(({ name }) => name).join(', ');
  throw new GraphError('graph/internal', `internal: the passes ${names} undo each other's work; please report it.`);
}
