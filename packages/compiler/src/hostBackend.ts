import { sizeOf } from '@peft/core';
import type { DType, TensorType, TypedArray } from '@peft/graph';
import * as tf from '@tensorflow/tfjs';

const hostBackendName = 'peft-host';

/** Values that are fetched when somebody reads them. */
export interface HostSource {
  read(): Promise<TypedArray>;
  readSync(): TypedArray;
}

/** A tfjs backend that only holds arrays: tfjs moves a tensor to the active backend as soon as an operation reads it. */
export class HostBackend extends tf.KernelBackend {
  readonly #arrays = new Map<object, TypedArray>();
  readonly #sources = new Map<object, HostSource>();

  /** A kept tensor over this very array. */
  tensorOver(array: TypedArray, shape: readonly number[], dtype: DType): tf.Tensor {
    const dataId = {};
    this.#arrays.set(dataId, array);
    return tf.keep(tf.engine().makeTensorFromTensorInfo({ dataId, shape: [...shape], dtype }, this));
  }

  /** A kept tensor whose values are fetched, once, when they are read. */
  tensorFrom(source: HostSource, { shape, dtype }: TensorType): tf.Tensor {
    const dataId = {};
    this.#sources.set(dataId, source);
    return tf.keep(tf.engine().makeTensorFromTensorInfo({ dataId, shape: [...shape], dtype }, this));
  }

  /** The array a tensor holds here, itself; undefined once the tensor lives elsewhere, and before it is fetched. */
  arrayOf({ dataId }: tf.Tensor): TypedArray | undefined {
    return this.#arrays.get(dataId);
  }

  /** The same, fetched at once where it was not. */
  arrayNow(tensor: tf.Tensor): TypedArray | undefined {
    const { dataId } = tensor;
    const source = this.#sources.get(dataId);
    return source ? this.#fetched(dataId, source.readSync()) : this.arrayOf(tensor);
  }

  /** Fetches the values of a tensor now, so that its source is not asked later. */
  async fetch({ dataId }: tf.Tensor): Promise<void> {
    const source = this.#sources.get(dataId);
    if (source) this.#fetched(dataId, await source.read());
  }

  /** Runs a function while this is the active backend, so that what it uploads stays on the host without a copy. */
  during<Result>(run: () => Result): Result {
    tf.backend();
    const former = tf.getBackend();
    // The switch itself is synchronous wherever the backend already exists; only its promise is not.
    void tf.setBackend(hostBackendName);
    try {
      return run();
    } finally {
      void tf.setBackend(former);
    }
  }

  override write(values: tf.BackendValues | null, shape: number[], dtype: tf.DataType): object {
    const dataId = {};
    this.#arrays.set(dataId, asArray(values, { shape, dtype }));
    return dataId;
  }

  // Copies, since another backend may keep what it is given while this array is written again.
  override readSync(dataId: object): TypedArray {
    const source = this.#sources.get(dataId);
    return (source ? this.#fetched(dataId, source.readSync()) : (this.#arrays.get(dataId) as TypedArray)).slice();
  }

  override async read(dataId: object): Promise<TypedArray> {
    const source = this.#sources.get(dataId);
    return source ? this.#fetched(dataId, await source.read()).slice() : this.readSync(dataId);
  }

  override disposeData(dataId: object): boolean {
    this.#arrays.delete(dataId);
    this.#sources.delete(dataId);
    return true;
  }

  // No operation runs here, so that nothing here is shared by two tensors.
  override refCount(dataId: object): number {
    return this.#arrays.has(dataId) || this.#sources.has(dataId) ? 1 : 0;
  }

  override numDataIds(): number {
    return this.#arrays.size + this.#sources.size;
  }

  override memory() {
    return { unreliable: false, reasons: [] };
  }

  override timerAvailable(): boolean {
    return false;
  }

  override floatPrecision(): 32 {
    return 32;
  }

  override dispose(): void {
    this.#arrays.clear();
    this.#sources.clear();
  }

  #fetched(dataId: object, array: TypedArray): TypedArray {
    // It may have been freed meanwhile.
    if (this.#sources.delete(dataId)) this.#arrays.set(dataId, array);
    return array;
  }
}

/** The host backend of this process, registered once with the lowest priority. */
export function hostBackend(): HostBackend {
  const known = tf.findBackend(hostBackendName) as HostBackend | null;
  if (known) return known;
  const backend = new HostBackend();
  tf.registerBackend(hostBackendName, () => backend, 0);
  return backend;
}

function asArray(
  values: tf.BackendValues | null,
  { shape, dtype }: { readonly shape: readonly number[]; readonly dtype: tf.DataType },
): TypedArray {
  if (values instanceof Float32Array || values instanceof Int32Array || values instanceof Uint8Array) return values;
  const size = sizeOf(shape);
  const kind = dtype === 'float32' ? Float32Array : dtype === 'int32' ? Int32Array : Uint8Array;
  return values === null ? new kind(size) : kind.from(values as unknown as ArrayLike<number>);
}
