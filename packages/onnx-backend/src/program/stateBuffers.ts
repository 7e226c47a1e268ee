import type { Snapshot } from '@peft/core';
import type { DType, TensorType, TypedArray } from '@peft/graph';
import { type Tensor, Tensor as TensorClass } from '@tensorflow/tfjs';
import { hostBackend } from '../host/hostBackend.ts';

type Side = 0 | 1;

/** One tensor of the state: two arrays, of which a run reads one and writes the other. */
interface Leaf extends TensorType {
  readonly sides: [TypedArray, TypedArray | undefined];
  current: Side;
  /** Stands for the current values: what was bound, or what `snapshot` made, until a run replaces it. */
  tensor: Tensor | undefined;
}

/** The state that the functions of a program share, each leaf in two buffers that take turns. */
export class StateBuffers {
  #tree: Snapshot = {};
  #leaves = new Map<string, Leaf>();
  /** Grows when arrays are exchanged, so that what is bound to the old ones is stale. */
  generation = 0;

  /** Shape and dtype of each leaf by path. */
  get types(): ReadonlyMap<string, TensorType> {
    return this.#leaves;
  }

  /** The state's structure, each tensor by its type. */
  get tree(): Snapshot {
    return this.#tree;
  }

  /** Takes over a state: tensors of `snapshot` without a copy, others by reading them. */
  async bind(state: Snapshot): Promise<void> {
    const own = new Map([...this.#leaves.values()].flatMap((leaf) => (leaf.tensor ? [[leaf.tensor, leaf]] : [])));
    const tensors = leavesOf(state, '');
    const reads = tensors.map(async ([, tensor]) => (own.has(tensor) ? undefined : await tensor.data()));
    const values = await Promise.all(reads);
    const carried = new Set<Leaf>(tensors.flatMap(([, tensor]) => own.get(tensor) ?? []));
    const placed = new Set<Leaf>();
    const next = new Map<string, Leaf>();
    for (const [index, [path, tensor]] of tensors.entries()) {
      const before = own.get(tensor);
      if (before && !placed.has(before)) {
        placed.add(before);
        next.set(path, before);
        continue;
      }
      const data = (values[index] ?? before?.sides[before.current]) as TypedArray;
      const former = this.#leaves.get(path);
      const leaf = former && !carried.has(former) && isLike(former, tensor) ? former : leafLike(tensor);
      // Memory of the former leaf serves again, so that what is bound to it stays so.
      (leaf.sides[leaf.current] as TypedArray).set(data);
      next.set(path, { ...leaf, tensor });
    }
    this.#exchange(next, state);
  }

  /** The array that holds the current values. */
  read(path: string): TypedArray {
    const { sides, current } = this.#leaf(path);
    return sides[current] as TypedArray;
  }

  /** The array that takes the next values. */
  write(path: string): TypedArray {
    const { sides, current, shape, dtype } = this.#leaf(path);
    const other = (1 - current) as Side;
    sides[other] ??= arrayFor({ shape, dtype });
    return sides[other] as TypedArray;
  }

  sideOf(path: string): Side {
    return this.#leaf(path).current;
  }

  /** Makes what was written current; the tensors of the former values are freed. */
  flip(paths: readonly string[]): void {
    const replaced: Tensor[] = [];
    for (const path of paths) {
      const leaf = this.#leaf(path);
      leaf.current = (1 - leaf.current) as Side;
      if (leaf.tensor) replaced.push(leaf.tensor);
      leaf.tensor = undefined;
    }
    this.#free(replaced);
  }

  /** The state as tensors, made of what no tensor stands for yet. */
  snapshot(): Snapshot {
    const visit = (level: Snapshot, prefix: string): Snapshot =>
      Object.fromEntries(
        Object.entries(level).map(([key, entry]) => {
          if (typeof entry === 'number') return [key, entry];
          if (!isTensor(entry)) return [key, visit(entry, `${prefix}${key}/`)];
          const leaf = this.#leaf(`${prefix}${key}`);
          const { sides, current, shape, dtype } = leaf;
          leaf.tensor ??= hostBackend().tensorOver(sides[current] as TypedArray, shape, dtype);
          return [key, leaf.tensor];
        }),
      );
    this.#tree = visit(this.#tree, '');
    return this.#tree;
  }

  /** Gives the state up: its tensors keep their memory, and nothing is written to it any more. */
  release(): Snapshot {
    const state = this.snapshot();
    this.#tree = {};
    this.#leaves = new Map();
    this.generation++;
    return state;
  }

  clear(): void {
    this.#exchange(new Map(), {});
  }

  #exchange(next: Map<string, Leaf>, tree: Snapshot): void {
    const before = this.#leaves;
    const isSame =
      before.size === next.size && [...next].every(([path, { sides }]) => before.get(path)?.sides === sides);
    if (!isSame) this.generation++;
    this.#leaves = next;
    this.#tree = tree;
    this.#free([...before.values()].flatMap(({ tensor }) => tensor ?? []));
  }

  /** Frees tensors that stand for no leaf any more. */
  #free(tensors: readonly Tensor[]): void {
    const kept = new Set([...this.#leaves.values()].map(({ tensor }) => tensor));
    for (const tensor of tensors) if (!kept.has(tensor)) tensor.dispose();
  }

  #leaf(path: string): Leaf {
    return this.#leaves.get(path) as Leaf;
  }
}

export function leavesOf(tree: Snapshot, prefix: string): readonly (readonly [string, Tensor])[] {
  return Object.entries(tree).flatMap(([key, entry]): readonly (readonly [string, Tensor])[] => {
    if (typeof entry === 'number') return [];
    return isTensor(entry) ? [[`${prefix}${key}`, entry]] : leavesOf(entry, `${prefix}${key}/`);
  });
}

function isTensor(entry: Snapshot | Tensor): entry is Tensor {
  return entry instanceof TensorClass;
}

function isLike({ shape, dtype }: TensorType, tensor: Tensor): boolean {
  return dtype === tensor.dtype && `${shape}` === `${tensor.shape}`;
}

function leafLike(tensor: Tensor): Leaf {
  const type = { shape: [...tensor.shape], dtype: tensor.dtype as DType };
  return { ...type, sides: [arrayFor(type), undefined], current: 0, tensor: undefined };
}

/** A new array off the heap of JavaScript, so that its address stays. */
export function arrayFor({ shape, dtype }: TensorType): TypedArray {
  const size = shape.reduce((product, length) => product * length, 1);
  if (dtype === 'bool') return new Uint8Array(new ArrayBuffer(size));
  const buffer = new ArrayBuffer(size * 4);
  return dtype === 'float32' ? new Float32Array(buffer) : new Int32Array(buffer);
}
