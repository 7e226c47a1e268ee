import { type HostArray, toFloat32, toTensor, type Weights } from '@peft/core';
import type { TypedArray } from '@peft/graph';
import type { Tensor } from '@tensorflow/tfjs';
import { hostBackend } from './hostBackend.ts';

interface Entry {
  readonly stored: HostArray;
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

  /** Every weight's tensor by path. Those that were not uploaded before stay on the host, and floats as they are stored. */
  tensors(): Readonly<Record<string, Tensor>> {
    return Object.fromEntries(this.#weights.paths.map((path) => [path, this.#tensor(path)]));
  }

  versionOf(path: string): number {
    return this.#weights.versionOf(path);
  }

  /** The values of a weight as they are now, float32 where they are stored as other floats. */
  async arrayOf(path: string): Promise<TypedArray> {
    const stored = this.#weights.get(path);
    if (stored.dtype === 'float32' || stored.dtype === 'int32' || stored.dtype === 'bool') {
      return stored.data as TypedArray;
    }
    const version = this.versionOf(path);
    const known = this.#widened.get(path);
    if (known?.stored === stored && known.version === version) return known.array;
    const tensor = this.#tensor(path);
    const array = hostBackend().arrayNow(tensor) ?? ((await tensor.data()) as TypedArray);
    this.#widened.set(path, { stored, version, array });
    return array;
  }

  #tensor(path: string): Tensor {
    return hostBackend().during(() => this.#weights.tensor(path, hostTensor));
  }
}

/** A stored array as a tensor of the host backend: floats that no tensor holds are widened when somebody reads them. */
function hostTensor(array: HostArray): Tensor {
  const { dtype, shape } = array;
  if (dtype === 'float32' || !dtype.includes('float')) return toTensor(array);
  const readSync = () => toFloat32(array);
  return hostBackend().tensorFrom({ readSync, read: async () => readSync() }, { shape, dtype: 'float32' });
}
