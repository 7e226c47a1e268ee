/** Whose memory it is. */
export type MemoryKind = 'device' | 'pinned' | 'native';

export interface Block {
  readonly kind: MemoryKind;
  readonly address: bigint;
  readonly bytes: Uint8Array<ArrayBuffer>;
}

/** Made-up addresses of memory that is really there: blocks far apart, so that a step past the end of one is seen. */
export class AddressSpace {
  readonly #blocks = new Map<bigint, Block>();
  #next = 0x7000_0000_0000n;

  allocate(kind: MemoryKind, bytes: number): Block {
    const block = { kind, address: this.#next, bytes: new Uint8Array(bytes) };
    // As the driver does, at multiples of 256; then a gap that belongs to nobody.
    this.#next += BigInt(Math.ceil(bytes / 256) * 256 + 4096);
    this.#blocks.set(block.address, block);
    return block;
  }

  /** Frees the block that starts at an address; false where none does. */
  free(kind: MemoryKind, address: bigint): boolean {
    return this.#blocks.get(address)?.kind === kind && this.#blocks.delete(address);
  }

  /** The bytes at an address, within one block; undefined where they are nobody's. */
  find(kind: MemoryKind, address: bigint, bytes: number): Uint8Array<ArrayBuffer> | undefined {
    for (const block of this.#blocks.values()) {
      const start = Number(address - block.address);
      if (block.kind === kind && start >= 0 && start + bytes <= block.bytes.length) {
        return block.bytes.subarray(start, start + bytes);
      }
    }
    return undefined;
  }

  /** The block whose memory an array is a part of. */
  blockOf(array: ArrayBufferView): Block | undefined {
    return [...this.#blocks.values()].find(({ bytes }) => bytes.buffer === array.buffer);
  }

  used(kind: MemoryKind): number {
    return [...this.#blocks.values()]
      .filter((block) => block.kind === kind)
      .reduce((sum, { bytes }) => sum + bytes.length, 0);
  }

  blocks(kind: MemoryKind): readonly Block[] {
    return [...this.#blocks.values()].filter((block) => block.kind === kind);
  }
}
