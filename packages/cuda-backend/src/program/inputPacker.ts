import { hostLeaf, isHostArray } from '@peft/compiler';
import type { HostArray, HostInputs } from '@peft/core';
import type { Storage } from '../plan/storage.ts';

/** What a run is given, nested as the function takes it; a host array by its dtype and shape. */
type Pattern = { readonly [key: string]: 'number' | Pick<HostArray, 'dtype' | 'shape'> | Pattern };

/** Where one input goes. */
export interface PackedInput {
  readonly path: string;
  readonly storage: Storage;
  /** Bytes from the start of the block. */
  readonly offset: number;
  readonly count: number;
}

type View = Float32Array | Int32Array | Uint8Array;

/** Knows the inputs of a function, and brings them to where the device reads them. */
export class InputPacker {
  readonly #pattern: Pattern;
  readonly #inputs: readonly (PackedInput & { readonly keys: readonly string[] })[];

  /** @param inputs of a run: later ones are of the same types */
  constructor(inputs: HostInputs, packed: readonly PackedInput[]) {
    this.#pattern = patternOf(inputs);
    const keys = keysByPath(inputs);
    this.#inputs = packed.map((each) => ({ ...each, keys: keys.get(each.path) as readonly string[] }));
  }

  /** Whether inputs are of the types that these had. */
  fits(inputs: HostInputs): boolean {
    return isLike(inputs, this.#pattern);
  }

  /** The places of the inputs in a block, through which `pack` writes. */
  viewsOf(block: ArrayBuffer): readonly View[] {
    return this.#inputs.map(({ storage, offset, count }) => {
      if (storage === 'f32') return new Float32Array(block, offset, count);
      return storage === 'i32' ? new Int32Array(block, offset, count) : new Uint8Array(block, offset, count);
    });
  }

  /** @throws CompilerError `compiler/input` for values that no tensor holds */
  pack(inputs: HostInputs, views: readonly View[]): void {
    for (let index = 0; index < this.#inputs.length; index++) {
      const { keys, path } = this.#inputs[index] as { readonly keys: readonly string[]; readonly path: string };
      const view = views[index] as View;
      let value: HostInputs[string] = inputs;
      for (const key of keys) value = (value as HostInputs)[key] as HostInputs[string];
      if (typeof value === 'number') view[0] = value;
      else view.set(hostLeaf(path, value as HostArray).data);
    }
  }
}

function patternOf(inputs: HostInputs): Pattern {
  return Object.fromEntries(
    Object.entries(inputs).map(([key, entry]) => {
      if (typeof entry === 'number') return [key, 'number'];
      return [key, isHostArray(entry) ? { dtype: entry.dtype, shape: [...entry.shape] } : patternOf(entry)];
    }),
  );
}

function keysByPath(inputs: HostInputs): ReadonlyMap<string, readonly string[]> {
  const found = new Map<string, readonly string[]>();
  const visit = (level: HostInputs, keys: readonly string[]): void => {
    for (const [key, entry] of Object.entries(level)) {
      if (typeof entry === 'number' || isHostArray(entry)) found.set([...keys, key].join('/'), [...keys, key]);
      else visit(entry, [...keys, key]);
    }
  };
  visit(inputs, []);
  return found;
}

function isLike(inputs: HostInputs, pattern: Pattern): boolean {
  let count = 0;
  for (const key in inputs) {
    count++;
    const [entry, expected] = [inputs[key] as HostInputs[string], pattern[key]];
    if (expected === undefined) return false;
    if (typeof entry === 'number') {
      if (expected !== 'number') return false;
    } else if (expected === 'number') return false;
    else if (isHostArray(entry)) {
      const { dtype, shape } = expected as HostArray;
      if (dtype !== entry.dtype || !isSameShape(entry.shape, shape)) return false;
    } else if (!isLike(entry, expected as Pattern)) return false;
  }
  for (const _ in pattern) count--;
  return count === 0;
}

function isSameShape(shape: readonly number[], expected: readonly number[]): boolean {
  if (!Array.isArray(expected) || shape.length !== expected.length) return false;
  for (let axis = 0; axis < shape.length; axis++) if (shape[axis] !== expected[axis]) return false;
  return true;
}
