import { PeftError } from '@peft/ops';
import type { Tensor } from '@tensorflow/tfjs';

/** Nested records of tensors: parameters, gradients, optimizer slots. A leaf's path joins its keys with '/'. */
export type Tree = { readonly [key: string]: Tensor | Tree };

/** What a save must hold: nested records of tensors and plain numbers. */
export type Snapshot = { readonly [key: string]: Tensor | number | Snapshot };

/** Every leaf with its path, sorted by path, so that sums over a tree do not depend on how it was built. */
export function leavesOf(tree: Tree): readonly (readonly [path: string, leaf: Tensor])[];
export function leavesOf(tree: Snapshot): readonly (readonly [path: string, leaf: Tensor | number])[];
export function leavesOf(tree: Snapshot): readonly (readonly [path: string, leaf: Tensor | number])[] {
  const leaves: [string, Tensor | number][] = [];
  const visit = (node: Snapshot, prefix: string) => {
    for (const [key, value] of Object.entries(node)) {
      const path = prefix === '' ? key : `${prefix}/${key}`;
      if (isLeaf(value)) leaves.push([path, value]);
      else visit(value, path);
    }
  };
  visit(tree, '');
  return leaves.sort(([left], [right]) => (left < right ? -1 : left > right ? 1 : 0));
}

/** The tensors of a tree or snapshot, by path order; numbers are left out. */
export function tensorsOf(tree: Snapshot): readonly Tensor[] {
  return leavesOf(tree)
    .map(([, leaf]) => leaf)
    .filter((leaf): leaf is Tensor => typeof leaf !== 'number');
}

/** A tree of the same structure with every leaf replaced. */
export function mapLeaves(tree: Snapshot, replace: (leaf: Tensor | number, path: string) => Tensor | number): Snapshot {
  const visit = (node: Snapshot, prefix: string): Snapshot =>
    Object.fromEntries(
      Object.entries(node).map(([key, value]) => {
        const path = prefix === '' ? key : `${prefix}/${key}`;
        return [key, isLeaf(value) ? replace(value, path) : visit(value, path)];
      }),
    );
  return visit(tree, '');
}

/** A tree of the same structure with every tensor replaced. */
export function mapTree<T extends Tree>(tree: T, replace: (leaf: Tensor, path: string) => Tensor): T {
  return mapLeaves(tree, (leaf, path) => replace(leaf as Tensor, path)) as T;
}

/** The tree with these leaves: the inverse of `leavesOf`. */
export function treeOf<L extends Tensor | number>(leaves: Iterable<readonly [path: string, leaf: L]>): Snapshot {
  const root: Branch<L> = new Map();
  for (const [path, leaf] of leaves) {
    const keys = path.split('/');
    const last = keys.pop() as string;
    let branch = root;
    for (const key of keys) {
      const next = branch.get(key) ?? new Map();
      if (!(next instanceof Map)) throw clash(path);
      branch.set(key, next);
      branch = next;
    }
    if (branch.has(last)) throw clash(path);
    branch.set(last, leaf);
  }
  return recordOf(root);
}

type Branch<L> = Map<string, L | Branch<L>>;

// Paths may come from a file: fromEntries makes "__proto__" a key like any other.
function recordOf<L extends Tensor | number>(branch: Branch<L>): Snapshot {
  return Object.fromEntries(
    [...branch].map(([key, node]) => [key, node instanceof Map ? recordOf(node) : (node as Tensor | number)]),
  );
}

function clash(path: string): PeftError {
  return new PeftError('internal/tree', `internal: leaf "${path}" is given twice or lies under another leaf.`);
}

/** The entry of a record, or an error that lists what is there. */
export function entry<T>(record: Readonly<Record<string, T>>, key: string, what: string): T {
  const value = Object.hasOwn(record, key) ? record[key] : undefined;
  if (value === undefined) {
    throw new PeftError(
      'internal/missing',
      `internal: no ${what} "${key}"; there are ${Object.keys(record).join(', ')}.`,
    );
  }
  return value;
}

/** Frees every tensor of `old` that `kept` does not hold. */
export function disposeUnless(old: Snapshot, kept: Snapshot): void {
  const held = new Set(tensorsOf(kept));
  for (const tensor of tensorsOf(old)) if (!held.has(tensor) && !tensor.isDisposed) tensor.dispose();
}

export function isTensor(value: unknown): value is Tensor {
  return typeof value === 'object' && value !== null && 'dataId' in value && 'rank' in value;
}

function isLeaf(value: Tensor | number | Snapshot): value is Tensor | number {
  return typeof value === 'number' || isTensor(value);
}
