import type { AnyModel } from './model.ts';
import { sameValues } from './sameValues.ts';

/** The linear layers that share a table, as long as they have its values. */
export function tiedHeads({ ties = {}, weights }: AnyModel, table: string): readonly string[] {
  return Object.entries(ties)
    .filter(
      ([head, path]) => path === table && sameValues(weights.get(`${head}.weight`), weights.get(`${path}.weight`)),
    )
    .map(([head]) => head);
}
