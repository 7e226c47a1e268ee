import type { Graph } from '../graph.ts';
import { GraphError } from '../graphError.ts';
import { algebra } from './algebra.ts';
import { aliases } from './aliases.ts';
import { commonSubexpressions } from './commonSubexpressions.ts';
import { deadCode } from './deadCode.ts';
import { folding } from './folding.ts';
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
  commonSubexpressions,
];

export interface PassesOptions {
  readonly passes?: readonly Pass[];
  /** Called with the graph after each pass that changed it. */
  readonly onPass?: (pass: Pass, graph: Graph) => void;
}

const mostRounds = 50;

/** Runs the passes in turn until none of them changes the graph. */
export function runPasses(graph: Graph, { passes = standardPasses, onPass }: PassesOptions = {}): Graph {
  let current = graph;
  for (let round = 0; round < mostRounds; round++) {
    const before = current;
    for (const pass of passes) {
      const next = pass.rewrite(current);
      if (next !== current) onPass?.(pass, next);
      current = next;
    }
    if (current === before) return current;
  }
  const names = passes.map(({ name }) => name).join(', ');
  throw new GraphError('graph/internal', `internal: the passes ${names} undo each other's work; please report it.`);
}
