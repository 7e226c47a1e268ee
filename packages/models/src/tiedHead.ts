import { type AnyModel, type HostArray, sameValues, type TypedArray, Weights } from '@peft/core';

/** A table and the head that reads it, by the paths of their weights. */
export type Tie = { readonly head: string; readonly table: string };

/**
 * Weights in which the head stands beside its table, as the same memory under another name: each may be adapted, merged
 * into or trained without the other, and then they part.
 */
export function withTiedHead(weights: Weights, { head, table }: Tie): Weights {
  if (weights.has(head) || !weights.has(table)) return weights;
  const entries = weights.paths.map((path) => [path, weights.get(path)] as const);
  return new Weights([...entries, [head, sameMemory(weights.get(table))]]);
}

/** Whether head and table still have the same values. */
export function isTied(weights: Weights, { head, table }: Tie): boolean {
  if (!weights.has(head)) return true;
  return sameValues(weights.get(head), weights.get(table));
}

/** What a model says of its tied head. */
export function tiesOf(tie: Tie | undefined): Pick<AnyModel, 'ties'> {
  const module = (path: string) => path.slice(0, path.lastIndexOf('.'));
  return tie ? { ties: { [module(tie.head)]: module(tie.table) } } : {};
}

// A view of its own, since engines know a weight by its array.
function sameMemory({ dtype, shape, data }: HostArray): HostArray {
  const View = data.constructor as new (buffer: ArrayBufferLike, offset: number, length: number) => TypedArray;
  return { dtype, shape, data: new View(data.buffer, data.byteOffset, data.length) };
}
