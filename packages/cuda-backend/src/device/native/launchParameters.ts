import { CudaError } from '../../cudaError.ts';
import type { NativeMemory } from './nativeMemory.ts';

/** What the driver takes as parameters at most. */
const most = 4096;

/** The native memory from which every launch takes its parameters: the driver copies them before a launch returns. */
export class LaunchParameters {
  readonly #bytes: Uint8Array;
  readonly #table: bigint;

  constructor(memory: NativeMemory) {
    const { address, bytes } = memory.reserve(most + 8);
    // The list of parameters has one entry: the address of the struct, which follows it.
    new DataView(bytes).setBigUint64(0, address + 8n, true);
    this.#bytes = new Uint8Array(bytes, 8);
    this.#table = address;
  }

  /** Puts a struct there and gives the list for `kernelParams`. */
  put(struct: Uint8Array, kernel: string): bigint {
    if (struct.length > most) {
      throw new CudaError(
        'cuda/internal',
        `internal: ${struct.length} bytes of parameters for ${kernel}, more than ${most}; please report it.`,
      );
    }
    this.#bytes.set(struct);
    return this.#table;
  }
}
