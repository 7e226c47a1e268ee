import type { TypedArray } from '@peft/graph';
import type { GpuBuffer, GpuDevice } from './gpuDevice.ts';

/** A copy of an array on the device, freed when every holder released it. */
export interface GpuLease {
  readonly buffer: GpuBuffer;
  release(): void;
}

// GPUBufferUsage: STORAGE, COPY_SRC, COPY_DST.
const usage = 0x80 | 0x04 | 0x08;

/** Arrays that are never written, uploaded once for all who hold them at a time. */
export class GpuWeights {
  readonly #device: GpuDevice;
  readonly #entries = new Map<TypedArray, { readonly buffer: GpuBuffer; holders: number }>();

  constructor(device: GpuDevice) {
    this.#device = device;
  }

  /** The number of arrays on the device. */
  get size(): number {
    return this.#entries.size;
  }

  lease(array: TypedArray): GpuLease {
    const entry = this.#entries.get(array) ?? { buffer: this.#upload(array), holders: 0 };
    this.#entries.set(array, entry);
    entry.holders++;
    let isReleased = false;
    return {
      buffer: entry.buffer,
      release: () => {
        if (isReleased) return;
        isReleased = true;
        if (--entry.holders > 0) return;
        this.#entries.delete(array);
        entry.buffer.destroy();
      },
    };
  }

  #upload({ buffer, byteOffset, byteLength }: TypedArray): GpuBuffer {
    // ONNX Runtime binds whole vectors of four words.
    const size = Math.max(16, Math.ceil(byteLength / 16) * 16);
    const uploaded = this.#device.createBuffer({ size, usage, mappedAtCreation: true });
    new Uint8Array(uploaded.getMappedRange()).set(new Uint8Array(buffer, byteOffset, byteLength));
    uploaded.unmap();
    return uploaded;
  }
}
