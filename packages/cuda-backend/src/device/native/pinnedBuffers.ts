import { CudaError } from '../../cudaError.ts';

/** The pinned memory of a device that was not freed: what it copies from and to by itself must lie there. */
export class PinnedBuffers {
  readonly #buffers = new WeakSet<ArrayBufferLike>();

  add(buffer: ArrayBuffer): void {
    this.#buffers.add(buffer);
  }

  delete(buffer: ArrayBuffer): void {
    this.#buffers.delete(buffer);
  }

  /** @throws CudaError `cuda/internal` where an array lies elsewhere */
  require(array: Uint8Array, purpose: string): void {
    if (this.#buffers.has(array.buffer)) return;
    throw new CudaError(
      'cuda/internal',
      `internal: ${purpose} of ${array.byteLength} bytes of host memory that is not pinned, or was freed; please report it.`,
    );
  }
}
