import type { TypedArray } from '@peft/graph';
import { checkArrays } from '../checkArrays.ts';
import { OnnxError } from '../onnxError.ts';
import type { Binding, Model, Port } from '../runtime.ts';
import type { GpuLease } from './gpuWeights.ts';
import type { LoadedOrt, OrtWeb } from './loadedOrt.ts';

export interface WebSession {
  readonly loaded: LoadedOrt;
  readonly session: Awaited<ReturnType<OrtWeb['InferenceSession']['create']>>;
}

/** Arrays tied to a session. The module has a memory of its own: a run copies them in, and its results out. */
export class WebBinding implements Binding {
  readonly #leases: GpuLease[] = [];
  readonly #opened: WebSession;
  readonly #given: Readonly<Record<string, InstanceType<OrtWeb['Tensor']>>>;
  readonly #results: readonly (readonly [name: string, array: TypedArray])[];

  constructor(
    opened: WebSession,
    { feeds: inputs, results: outputs }: Model,
    [feeds, results]: readonly [readonly TypedArray[], readonly TypedArray[]],
  ) {
    checkArrays('input', inputs, feeds);
    checkArrays('output', outputs, results);
    this.#opened = opened;
    const given = inputs.map((port, index) => [port.onnxName, this.#tensor(port, feeds[index] as TypedArray)]);
    this.#given = Object.fromEntries(given);
    this.#results = outputs.map(({ onnxName }, index) => [onnxName, results[index] as TypedArray]);
  }

  run(): Promise<void> {
    const { loaded, session } = this.#opened;
    return loaded.inTurn(async () => {
      const names = this.#results.map(([name]) => name);
      const made = await session.run(this.#given, names).catch((cause) => {
        throw new OnnxError('onnx/runtime', `ONNX Runtime stopped a run: ${cause.message}`, { cause });
      });
      for (const [name, array] of this.#results) array.set(made[name]?.data as TypedArray);
    });
  }

  release(): void {
    for (const { release } of this.#leases) release();
  }

  #tensor({ shape, dtype, isFrozen }: Port, array: TypedArray): InstanceType<OrtWeb['Tensor']> {
    const { loaded } = this.#opened;
    if (!isFrozen || !loaded.gpu) return new loaded.ort.Tensor(dtype, array as never, shape);
    const lease = loaded.gpu.weights.lease(array);
    this.#leases.push(lease);
    return loaded.ort.Tensor.fromGpuBuffer(lease.buffer as never, { dataType: dtype, dims: shape });
  }
}
