import type { TypedArray } from '@peft/graph';
import { checkArrays } from '../checkArrays.ts';
import type { Binding, Model, Port } from '../runtime.ts';
import type { OrtFunctions, Pointer } from './ortFunctions.ts';

/** Numbers of ONNXTensorElementDataType. */
const elementTypes = { float32: 1, int32: 6, bool: 9 } as const;

/** An IoBinding: arrays bound once, by address, then run any number of times. */
export class NativeBinding implements Binding {
  readonly #ort: OrtFunctions;
  readonly #session: Pointer;
  readonly #handle: Pointer;
  readonly #values: Pointer[] = [];
  // The library knows addresses alone: what it writes to must not be collected.
  readonly #arrays: readonly TypedArray[];

  constructor(
    { ort, session, memory }: { readonly ort: OrtFunctions; readonly session: Pointer; readonly memory: Pointer },
    { feeds: inputs, results: outputs }: Model,
    [feeds, results]: readonly [readonly TypedArray[], readonly TypedArray[]],
  ) {
    checkArrays('input', inputs, feeds);
    checkArrays('output', outputs, results);
    this.#ort = ort;
    this.#session = session;
    this.#arrays = [...feeds, ...results];
    this.#handle = ort.keep('IoBinding', ort.make('CreateIoBinding', session));
    const value = ({ shape, dtype }: Port, array: TypedArray): Pointer => {
      const dims = BigInt64Array.from(shape, BigInt);
      const address = ort.addressOf(array);
      const made = ort.make(
        'CreateTensorWithDataAsOrtValue',
        memory,
        address,
        array.byteLength,
        dims,
        dims.length,
        elementTypes[dtype],
      );
      this.#values.push(ort.keep('Value', made));
      return made;
    };
    try {
      for (const [index, port] of inputs.entries()) {
        ort.call('BindInput', this.#handle, port.onnxName, value(port, feeds[index] as TypedArray));
      }
      for (const [index, port] of outputs.entries()) {
        ort.call('BindOutput', this.#handle, port.onnxName, value(port, results[index] as TypedArray));
      }
    } catch (error) {
      this.release();
      throw error;
    }
  }

  async run(): Promise<void> {
    await this.#ort.callLater('RunWithBinding', this.#session, null, this.#handle);
  }

  /** The arrays that are tied. */
  get arrays(): readonly TypedArray[] {
    return this.#arrays;
  }

  release(): void {
    this.#ort.release('IoBinding', this.#handle);
    for (const value of this.#values) this.#ort.release('Value', value);
    this.#values.length = 0;
  }
}
