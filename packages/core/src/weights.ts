import { PeftError } from '@peft/ops';
import * as tf from '@tensorflow/tfjs';
import { hashArrays } from './hashArrays.ts';
import { type HostArray, toTensor } from './hostArray.ts';

type Entry = { readonly array: HostArray; readonly version: number };

/**
 * Host arrays by parameter path (`encoder.layer.0.query.weight`), with their stored dtype and a version, uploaded on
 * first use. A loaded base is never written: a run works on a `fork`, which holds its own copy of what it changes.
 */
export class Weights {
  readonly #entries: Map<string, Entry>;
  readonly #parent: Weights | undefined;
  #fingerprint: string | undefined;
  #forks = 0;
  #changes = 0;
  #isDisposed = false;
  readonly #uploaded = new Map<string, { readonly tensor: tf.Tensor; readonly version: number }>();

  constructor(arrays: Iterable<readonly [path: string, array: HostArray]>, parent?: Weights) {
    this.#entries = new Map([...arrays].map(([path, array]) => [path, { array, version: 0 }]));
    this.#parent = parent;
  }

  get paths(): readonly string[] {
    const own = [...this.#entries.keys()];
    return this.#parent ? [...new Set([...this.#parent.paths, ...own])].sort() : own.sort();
  }

  has(path: string): boolean {
    return this.#entries.has(path) || (this.#parent?.has(path) ?? false);
  }

  get(path: string): HostArray {
    return this.#entry(path).array;
  }

  /** How often the weight was replaced; compiled programs bind it again when it changes. */
  versionOf(path: string): number {
    return this.#entry(path).version;
  }

  /** Grows whenever a weight of these or of their parent may have changed its version: a quick first look. */
  get revision(): number {
    return this.#changes + (this.#parent?.revision ?? 0);
  }

  /**
   * The weight on the active backend, brought there by `upload` unless its tensor was made before. It belongs to these
   * weights: callers do not dispose it.
   */
  tensor(path: string, upload: (array: HostArray) => tf.Tensor = toTensor): tf.Tensor {
    if (this.#parent && !this.#entries.has(path)) return this.#parent.tensor(path, upload);
    const { array, version } = this.#entry(path);
    const uploaded = this.#uploaded.get(path);
    if (uploaded && uploaded.version === version && !uploaded.tensor.isDisposed) return uploaded.tensor;
    uploaded?.tensor.dispose();
    const tensor = tf.keep(upload(array));
    this.#uploaded.set(path, { tensor, version });
    return tensor;
  }

  /** A view that reads through to these weights and keeps what is written to it to itself. */
  fork(): Weights {
    this.#forks++;
    return new Weights([], this);
  }

  /** Replaces a weight of a fork by an array, which now belongs to it. */
  write(path: string, array: HostArray): void {
    if (!this.#parent) {
      throw new PeftError(
        'weights/read-only',
        `the loaded weight "${path}" is never written; write to a fork() of the weights.`,
      );
    }
    const version = this.versionOf(path) + 1;
    if (!this.#entries.has(path)) this.#parent.#forget(path);
    this.#entries.set(path, { array, version });
    this.#changes++;
    this.#fingerprint = undefined;
  }

  /** Tensors these weights and their parents hold on the backend. */
  get uploads(): number {
    return this.#uploaded.size + (this.#parent?.uploads ?? 0);
  }

  /** The paths this fork holds copies of. */
  get written(): readonly string[] {
    return this.#parent ? [...this.#entries.keys()].sort() : [];
  }

  /** Frees what these weights, not their parent, hold on the backend; it is uploaded again on its next use. */
  freeUploads(): void {
    for (const { tensor } of this.#uploaded.values()) tensor.dispose();
    this.#uploaded.clear();
  }

  /** Frees the uploads of these weights and, of a fork, its copies; the parent is untouched. */
  dispose(): void {
    this.freeUploads();
    if (!this.#parent) return;
    this.#entries.clear();
    this.#changes++;
    this.#fingerprint = undefined;
    if (!this.#isDisposed) this.#parent.#forks--;
    this.#isDisposed = true;
  }

  /** Identifies the weights: a hash of every path, dtype, shape and stored byte, as 16 hexadecimal digits. */
  fingerprint(): string {
    this.#fingerprint ??= hashArrays(this.paths.map((path) => [path, this.get(path)] as const));
    return this.#fingerprint;
  }

  /** Frees an upload that only one fork read, now that it has its own copy. */
  #forget(path: string): void {
    if (this.#forks > 1) return;
    if (this.#parent && !this.#entries.has(path)) this.#parent.#forget(path);
    this.#uploaded.get(path)?.tensor.dispose();
    this.#uploaded.delete(path);
  }

  #entry(path: string): Entry {
    const found = this.#entries.get(path) ?? (this.#parent ? this.#parent.#entry(path) : undefined);
    if (found) return found;
    const near = this.paths.filter((known) => known.endsWith(`.${path.split('.').pop()}`)).slice(0, 4);
    throw new PeftError(
      'weights/unknown',
      `the model has no weight "${path}"; it has ${this.paths.length} weights${near.length ? `, among them ${near.join(', ')}` : ''}.`,
    );
  }
}
