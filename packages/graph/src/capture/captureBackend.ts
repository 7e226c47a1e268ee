import * as tf from '@tensorflow/tfjs';
import type { Value } from '../graph.ts';
import { GraphError } from '../graphError.ts';
import type { OpName } from '../ops/opAttributes.ts';
import { opNames, rowOf } from '../ops/opTable.ts';
import { dtypeOf, sizeOf } from '../tensorType.ts';
import type { Recorder } from './recorder.ts';
import { atPlace } from './userPlace.ts';

export const captureBackendName = 'peft-capture';

/** A tfjs backend that computes nothing: it hands every kernel call to the recorder of the capture in progress. */
export class CaptureBackend extends tf.KernelBackend {
  recorder: Recorder | undefined;
  readonly #references = new Map<object, { count: number; readonly value: Value }>();
  /** Tensors seen while capturing, so that those somebody kept can be freed. */
  readonly #seen = new Set<tf.Tensor>();

  override write(values: tf.BackendValues | null, shape: number[], dtype: tf.DataType): object {
    const type = { shape, dtype: dtypeOf(dtype) };
    return this.#define(this.#recording.write((values ?? []) as ArrayLike<number>, type));
  }

  /** A tensor of tfjs that stands for `value`. */
  tensorOf(value: Value, name?: string): tf.Tensor {
    const dataId = this.#define(value, name);
    const tensor = tf.engine().makeTensorFromTensorInfo({ dataId, shape: [...value.shape], dtype: value.dtype });
    this.#seen.add(tensor);
    return tensor;
  }

  run(op: OpName, given: tf.NamedTensorInfoMap, attributes: tf.NamedAttrMap | undefined) {
    const { inputs: names, outputs, lastIsOptional } = rowOf(op);
    const unknown = names === 'list' ? [] : Object.keys(given).filter((name) => !names.includes(name));
    if (unknown.length > 0) {
      throw new GraphError(
        'graph/unsupported',
        `capture: ${op}${atPlace(new Error().stack)}: the op table does not know its input ${unknown.join(', ')}; use versions ` +
          'of @peft/graph and of the operation that belong together.',
      );
    }
    const present = names === 'list' ? [] : names.slice(0, lastIsOptional ? Object.keys(given).length : names.length);
    const inputs = (names === 'list' ? Object.values(given) : present.map((name) => given[name])) as tf.TensorInfo[];
    for (const input of inputs) {
      if (this.#recording.isOwn(input.dataId) && input instanceof tf.Tensor) this.#seen.add(input);
    }
    const results = this.#recording.record(op, inputs, attributes ?? {}).map((value) => this.tensorOf(value));
    return outputs === 'list' ? results : (results[0] as tf.Tensor);
  }

  override readSync(dataId: object): never {
    throw this.#refuseRead(dataId);
  }

  override read(dataId: object): never {
    throw this.#refuseRead(dataId);
  }

  /** tfjs counts references of the active backend for variables only. */
  override incRef(dataId: object): never {
    const reference = this.#references.get(dataId);
    if (reference) reference.count++;
    throw new GraphError(
      'graph/variable',
      `capture: a tf.Variable is made${atPlace(new Error().stack)}, which is state that the graph cannot hold; take the ` +
        'old value as an input and return the new one.',
    );
  }

  override refCount(dataId: object): number {
    return this.#references.get(dataId)?.count ?? 0;
  }

  override disposeData(dataId: object): boolean {
    const reference = this.#references.get(dataId);
    if (reference && --reference.count > 0) return false;
    this.#references.delete(dataId);
    this.recorder?.forget(dataId);
    return true;
  }

  /** Frees what the captured function kept. */
  release(): void {
    for (const tensor of this.#seen) if (!tensor.isDisposed) tensor.dispose();
    this.#seen.clear();
    // Kept and never used: no kernel has seen the tensor itself, but the engine frees by what describes it.
    for (const [dataId, { value }] of [...this.#references]) {
      tf.engine().disposeTensor({ dataId, dtype: value.dtype, size: sizeOf(value.shape) } as unknown as tf.Tensor);
    }
  }

  override move(): never {
    throw new GraphError('graph/internal', 'internal: a tensor was moved to the capture backend; please report it.');
  }

  override numDataIds(): number {
    return this.#references.size;
  }

  override memory() {
    return { unreliable: true, reasons: ['The capture backend holds no data.'] };
  }

  override timerAvailable(): boolean {
    return false;
  }

  override floatPrecision(): 32 {
    return 32;
  }

  override dispose(): void {}

  get #recording(): Recorder {
    if (this.recorder) return this.recorder;
    throw new GraphError(
      'graph/no-capture',
      `nothing is being captured: call capture() instead of making "${captureBackendName}" the backend.`,
    );
  }

  #define(value: Value, name?: string): object {
    const dataId = {};
    this.#references.set(dataId, { count: 1, value });
    this.#recording.define(dataId, value, name);
    return dataId;
  }

  #refuseRead(dataId: object): GraphError {
    return new GraphError(
      'graph/value-read',
      `capture: the function reads ${this.#recording.describe(dataId)}${atPlace(new Error().stack)}, which has no value ` +
        'yet. Return the tensor as an output and read it after the run, choose with tf.where instead of an if, or pass ' +
        'the number as an input.',
    );
  }
}

/** Registers the backend and a kernel for every row of the op table, once. */
export function registerCaptureBackend(): CaptureBackend {
  const known = tf.findBackend(captureBackendName) as CaptureBackend | null;
  if (known) return known;
  const backend = new CaptureBackend();
  tf.registerBackend(captureBackendName, () => backend, 0);
  for (const op of opNames) {
    tf.registerKernel({
      kernelName: op,
      backendName: captureBackendName,
      kernelFunc: ({ inputs, attrs }) => backend.run(op, inputs, attrs),
    });
  }
  return backend;
}
