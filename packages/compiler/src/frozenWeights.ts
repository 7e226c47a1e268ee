import type { Weights } from '@peft/core';
import type { TypedArray } from '@peft/graph';
import type { Tensor } from '@tensorflow/tfjs';
import { hostBackend } from './hostBackend.ts';

interface Entry {
  readonly version: number;
  readonly array: TypedArray;
}

const known = new WeakMap<Weights, FrozenWeights>();

/** The weights of a model as arrays that runs read where they are: the stored array itself wherever a graph can. */
export class FrozenWeights {
  readonly #weights: Weights;
  readonly #widened = new Map<string, Entry>();

  /** All programs over the same weights share what had to be widened. */
  static of(weights: Weights): FrozenWeights {
    const found = known.get(weights) ?? new FrozenWeights(weights);
    known.set(weights, found);
    return found;
  }

  private constructor(weights: Weights) {
    this.#weights = weights;
  }

  /** Every weight's tensor by path. Those that were not uploaded before stay on the host. */
  tensors(): Readonly<Record<string, Tensor>> {
    return hostBackend().during(() =>
      Object.fromEntries(this.#weights.paths.map((path) => [path, this.#weights.tensor(path)])),
    );
  }

  versionOf(path: string): number {
    return this.#weights.versionOf(path);
  }

  /** The values of a weight as they are now. */
  async arrayOf(path: string): Promise<TypedArray> {
    const { dtype, data } = this.#weights.get(path);
    if (dtype === 'float32' || dtype === 'int32' || dtype === 'bool') return data as TypedArray;
    const version = this.versionOf(path);
    const entry = this.#widened.get(path);
    if (entry?.version === version) return entry.array;
    const host = hostBackend();
    const tensor = host.during(() => this.#weights.tensor(path));
    const array = host.arrayOf(tensor) ?? ((await tensor.data()) as TypedArray);
    this.#widened.set(path, { version, array });
    return array;
  }
}
