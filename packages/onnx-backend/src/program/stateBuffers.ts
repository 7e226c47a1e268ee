import { arrayFor, hostBackend, type StateLeaf, StateTree, stateType } from '@peft/compiler';
import type { Snapshot } from '@peft/core';
import type { TensorType, TypedArray } from '@peft/graph';
import type { Tensor } from '@tensorflow/tfjs';

type Side = 0 | 1;

/** Two arrays, of which a run reads one and writes the other. */
interface Leaf extends StateLeaf {
  readonly sides: [TypedArray, TypedArray | undefined];
  current: Side;
}

/** The state that the functions of a program share, each leaf in two buffers that take turns. */
export class StateBuffers {
  readonly #state = new StateTree<Leaf>();
  /** Grows when arrays are exchanged, so that what is bound to the old ones is stale. */
  generation = 0;

  /** Shape and dtype of each leaf by path. */
  get types(): ReadonlyMap<string, TensorType> {
    return this.#state.leaves;
  }

  /** The state's structure, each tensor by its type. */
  get tree(): Snapshot {
    return this.#state.tree;
  }

  /** Takes over a state: tensors of `snapshot` without a copy, others by reading them. */
  async bind(state: Snapshot): Promise<void> {
    const arrivals = this.#state.arrivals(state);
    const values = await Promise.all(arrivals.map(async ({ tensor, own }) => (own ? undefined : await tensor.data())));
    const carried = new Set(arrivals.flatMap(({ own }) => own ?? []));
    const placed = new Set<Leaf>();
    const next = new Map<string, Leaf>();
    for (const [index, { path, tensor, own }] of arrivals.entries()) {
      if (own && !placed.has(own)) {
        placed.add(own);
        next.set(path, own);
        continue;
      }
      const data = (values[index] ?? own?.sides[own.current]) as TypedArray;
      const former = this.#state.leaves.get(path);
      const leaf = former && !carried.has(former) && isLike(former, tensor) ? former : leafLike(tensor);
      // Memory of the former leaf serves again, so that what is bound to it stays so.
      (leaf.sides[leaf.current] as TypedArray).set(data);
      next.set(path, { ...leaf, tensor });
    }
    this.#exchange(next, state);
  }

  /** The array that holds the current values. */
  read(path: string): TypedArray {
    const { sides, current } = this.#state.leaf(path);
    return sides[current] as TypedArray;
  }

  /** The array that takes the next values. */
  write(path: string): TypedArray {
    const { sides, current, shape, dtype } = this.#state.leaf(path);
    const other = (1 - current) as Side;
    sides[other] ??= arrayFor({ shape, dtype });
    return sides[other] as TypedArray;
  }

  sideOf(path: string): Side {
    return this.#state.leaf(path).current;
  }

  /** Makes what was written current; the tensors of the former values are freed. */
  flip(paths: readonly string[]): void {
    for (const path of paths) {
      const leaf = this.#state.leaf(path);
      leaf.current = (1 - leaf.current) as Side;
    }
    this.#state.replaced(paths);
  }

  /** The state as tensors, made of what no tensor stands for yet. */
  snapshot(): Snapshot {
    return this.#state.snapshot(({ sides, current, shape, dtype }) =>
      hostBackend().tensorOver(sides[current] as TypedArray, shape, dtype),
    );
  }

  /** Gives the state up: its tensors keep their memory, and nothing is written to it any more. */
  release(): Snapshot {
    const state = this.snapshot();
    this.#state.forget();
    this.generation++;
    return state;
  }

  clear(): void {
    this.#exchange(new Map(), {});
  }

  #exchange(next: ReadonlyMap<string, Leaf>, tree: Snapshot): void {
    const before = this.#state.leaves;
    const isSame =
      before.size === next.size && [...next].every(([path, { sides }]) => before.get(path)?.sides === sides);
    if (!isSame) this.generation++;
    this.#state.exchange(next, tree);
  }
}

function isLike({ shape, dtype }: TensorType, tensor: Tensor): boolean {
  return dtype === tensor.dtype && `${shape}` === `${tensor.shape}`;
}

function leafLike(tensor: Tensor): Leaf {
  const type = stateType(tensor);
  return { ...type, sides: [arrayFor(type), undefined], current: 0, tensor: undefined };
}
