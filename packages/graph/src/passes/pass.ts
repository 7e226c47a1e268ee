import type { Graph } from '../graph.ts';

/** A rewriting of graphs as data: it keeps what a run computes, up to rounding, and leaves a legal graph. */
export interface Pass {
  readonly name: string;
  readonly doc: string;
  /** The same object where there is nothing to do. */
  readonly rewrite: (graph: Graph) => Graph;
}
