import type { Snapshot } from '@peft/core';
import type { DType, TensorType } from '@peft/graph';
import { type Tensor, Tensor as TensorClass } from '@tensorflow/tfjs';

/** One tensor of the state. An engine adds where it holds the values. */
export interface StateLeaf extends TensorType {
  /** Stands for the current values: what was bound, or what `snapshot` made, until a run replaces it. */
  tensor: Tensor | undefined;
}

/** A tensor of a state that is to be taken over. */
export interface StateArrival<Leaf extends StateLeaf> {
  readonly path: string;
  readonly tensor: Tensor;
  /** The leaf it stands for already, if it is one of the program's own. */
  readonly own: Leaf | undefined;
}

/** The structure of a program's state, and the tensors that stand for its leaves: made late, freed when replaced. */
export class StateTree<Leaf extends StateLeaf> {
  #tree: Snapshot = {};
  #leaves: ReadonlyMap<string, Leaf> = new Map();
  #view: Snapshot | undefined;

  /** Every leaf by its path. */
  get leaves(): ReadonlyMap<string, Leaf> {
    return this.#leaves;
  }

  /** The state's structure with the tensors that stood for its leaves when it was taken over or looked at. */
  get tree(): Snapshot {
    return this.#tree;
  }

  leaf(path: string): Leaf {
    return this.#leaves.get(path) as Leaf;
  }

  /** The tensors of a state, each with the leaf that it stands for here. */
  arrivals(state: Snapshot): readonly StateArrival<Leaf>[] {
    // Looking at a view makes tensors: they are known only afterwards.
    const tensors = tensorLeaves(state, '');
    const own = new Map([...this.#leaves.values()].flatMap((leaf) => (leaf.tensor ? [[leaf.tensor, leaf]] : [])));
    return tensors.map(([path, tensor]) => ({ path, tensor, own: own.get(tensor) }));
  }

  /** Goes on with other leaves, and frees tensors of the former that stand for none of these. */
  exchange(next: ReadonlyMap<string, Leaf>, tree: Snapshot): void {
    const before = this.#leaves;
    this.#leaves = next;
    this.#tree = tree;
    this.#view = undefined;
    this.#free([...before.values()].flatMap(({ tensor }) => tensor ?? []));
  }

  /** Says that these leaves have new values: the tensors of the former are freed. */
  replaced(paths: readonly string[]): void {
    const replaced: Tensor[] = [];
    for (const path of paths) {
      const leaf = this.leaf(path);
      if (leaf.tensor) replaced.push(leaf.tensor);
      leaf.tensor = undefined;
    }
    if (replaced.length > 0) this.#free(replaced);
  }

  /** The state as tensors, made of what no tensor stands for yet. */
  snapshot(tensorOf: (leaf: Leaf, path: string) => Tensor): Snapshot {
    const visit = (level: Snapshot, prefix: string): Snapshot =>
      Object.fromEntries(
        Object.entries(level).map(([key, entry]) => {
          if (typeof entry === 'number') return [key, entry];
          const path = `${prefix}${key}`;
          if (!isTensor(entry)) return [key, visit(entry, `${path}/`)];
          const leaf = this.leaf(path);
          leaf.tensor ??= tensorOf(leaf, path);
          return [key, leaf.tensor];
        }),
      );
    this.#tree = visit(this.#tree, '');
    return this.#tree;
  }

  /**
   * The state as tensors that are made when somebody looks at them: the same record until leaves are exchanged, which
   * shows each leaf's current tensor.
   */
  view(tensorOf: (leaf: Leaf, path: string) => Tensor): Snapshot {
    // Bound to the leaves, not to their paths: a part of it goes on to show them when the state was given up.
    this.#view ??= viewOf(this.#tree, '', (path) => {
      const leaf = this.leaf(path);
      return () => {
        leaf.tensor ??= tensorOf(leaf, path);
        return leaf.tensor;
      };
    });
    return this.#view;
  }

  /** Forgets every leaf without freeing its tensor. */
  forget(): void {
    this.#tree = {};
    this.#leaves = new Map();
    this.#view = undefined;
  }

  #free(tensors: readonly Tensor[]): void {
    const kept = new Set([...this.#leaves.values()].map(({ tensor }) => tensor));
    for (const tensor of tensors) if (!kept.has(tensor)) tensor.dispose();
  }
}

/** Shape and dtype of a tensor of the state. */
export function stateType({ shape, dtype }: Tensor): TensorType {
  return { shape: [...shape], dtype: dtype as DType };
}

function viewOf(tree: Snapshot, prefix: string, getterAt: (path: string) => () => Tensor): Snapshot {
  const view = {};
  for (const [key, entry] of Object.entries(tree)) {
    const path = `${prefix}${key}`;
    const isLeaf = typeof entry !== 'number' && isTensor(entry);
    const property = isLeaf
      ? { get: getterAt(path) }
      : { value: typeof entry === 'number' ? entry : viewOf(entry, `${path}/`, getterAt) };
    Object.defineProperty(view, key, { enumerable: true, ...property });
  }
  return view;
}

function tensorLeaves(tree: Snapshot, prefix: string): readonly (readonly [string, Tensor])[] {
  return Object.entries(tree).flatMap(([key, entry]): readonly (readonly [string, Tensor])[] => {
    if (typeof entry === 'number') return [];
    return isTensor(entry) ? [[`${prefix}${key}`, entry]] : tensorLeaves(entry, `${prefix}${key}/`);
  });
}

function isTensor(entry: Snapshot | Tensor): entry is Tensor {
  return entry instanceof TensorClass;
}
