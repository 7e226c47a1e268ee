import { CudaError } from '../../cudaError.ts';
import { driverFailure, isFatal } from './driverFailure.ts';
import type { DriverFunctions } from './driverFunctions.ts';
import { LaunchParameters } from './launchParameters.ts';
import type { NativeMemory } from './nativeMemory.ts';

/** What all objects of one opened device share: the functions, their cells for results, and the check of every status. */
export class NativeContext {
  readonly functions: DriverFunctions;
  readonly memory: NativeMemory;
  readonly parameters: LaunchParameters;
  // What calls write to; read at once, since the next call writes there too.
  readonly #handleCell = new BigUint64Array(2);
  readonly #numberCell = new Int32Array(2);
  #context: bigint | undefined;
  #lost: string | undefined;

  constructor(functions: DriverFunctions, memory: NativeMemory) {
    this.functions = functions;
    this.memory = memory;
    this.parameters = new LaunchParameters(memory);
  }

  /** @throws CudaError for a status that is not success */
  check(status: number, call: string): void {
    if (status !== 0) this.fail(status, call);
  }

  fail(status: number, call: string): never {
    const text = (read: (cell: BigUint64Array) => number) => {
      const cell = new BigUint64Array(1);
      const address = read(cell) === 0 ? cell[0] : undefined;
      return address ? this.memory.string(address) : undefined;
    };
    const name = text((cell) => this.functions.cuGetErrorName(status, cell)) ?? `status ${status}`;
    const description =
      text((cell) => this.functions.cuGetErrorString(status, cell)) ?? 'the driver does not describe it';
    const error = driverFailure({ status, name, description, call }, this.#lost);
    if (isFatal(status)) this.#lost ??= `${call} failed with ${name}`;
    throw error;
  }

  /** A handle or size that a call writes to its first cell. */
  handle(call: string, run: (cell: BigUint64Array) => number): bigint {
    this.check(run(this.#handleCell), call);
    return this.#handleCell[0] as bigint;
  }

  /** The two sizes that a call writes. */
  handles(call: string, run: (first: BigUint64Array, second: BigUint64Array) => number): [bigint, bigint] {
    const [first, second] = [this.#handleCell.subarray(0, 1), this.#handleCell.subarray(1, 2)];
    this.check(run(first, second), call);
    return [first[0] as bigint, second[0] as bigint];
  }

  /** An int that a call writes. */
  number(call: string, run: (cell: Int32Array) => number): number {
    this.check(run(this.#numberCell), call);
    return this.#numberCell[0] as number;
  }

  /** Takes the device's primary context, which it shares with all libraries of the process. */
  retain(device: number): void {
    this.#context = this.handle('cuDevicePrimaryCtxRetain', (cell) =>
      this.functions.cuDevicePrimaryCtxRetain(cell, device),
    );
  }

  /** Makes the context that of this thread, which other libraries may have changed. */
  enter(): void {
    if (this.#context === undefined) {
      throw new CudaError('cuda/closed', 'this device was closed; open it again.');
    }
    const status = this.functions.cuCtxSetCurrent(this.#context);
    if (status !== 0) this.fail(status, 'cuCtxSetCurrent');
  }

  release(device: number): void {
    if (this.#context === undefined) return;
    this.#context = undefined;
    this.check(this.functions.cuDevicePrimaryCtxRelease_v2(device), 'cuDevicePrimaryCtxRelease');
  }
}
