import type { Address, Driver, PinnedMemory, Stream } from '../device/driver.ts';
import type { Completions } from './completions.ts';

/** Bytes of each of the two places through which memory goes. */
const stagingBytes = 8 * 2 ** 20;

/** Copies to a multiple of this, so that numbers of every storage lie at a place that typed arrays accept. */
const alignment = 16;

interface Staging {
  readonly pinned: PinnedMemory;
  used: number;
  isThrough: Promise<void>;
}

export interface TransferContext {
  readonly driver: Driver;
  readonly stream: Stream;
  readonly completions: Completions;
}

/** Copies between host and device through two places of pinned memory, one filled while the other is under way. */
export class Transfers {
  readonly #context: TransferContext;
  readonly #stagings: Staging[] = [];
  #current = 0;
  #switching: Promise<void> | undefined;

  constructor(context: TransferContext) {
    this.#context = context;
  }

  /**
   * Puts bytes in the memory of the device, piece by piece: `fill` writes those from `begin` on to a piece, whose length
   * is a multiple of 16 bytes but for the last. All is put in the stream when the promise resolves.
   */
  async upload(
    to: Address,
    bytes: number,
    fill: (piece: Uint8Array<ArrayBuffer>, begin: number) => void,
  ): Promise<void> {
    for (let begin = 0; begin < bytes; begin += stagingBytes) {
      await this.#withSpace(Math.min(stagingBytes, bytes - begin), (piece) => {
        fill(piece, begin);
        this.#context.stream.upload(to + BigInt(begin), piece);
      });
    }
  }

  uploadBytes(to: Address, from: Uint8Array): Promise<void> {
    return this.upload(to, from.byteLength, (piece, begin) =>
      piece.set(from.subarray(begin, begin + piece.byteLength)),
    );
  }

  /** Bytes of the device as they are once all that was put in the stream before has run. */
  async download(from: Address, bytes: number): Promise<Uint8Array<ArrayBuffer>> {
    const { stream, completions } = this.#context;
    const target = new Uint8Array(bytes);
    const pieces: Promise<void>[] = [];
    for (let begin = 0; begin < bytes; begin += stagingBytes) {
      const copied = await this.#withSpace(Math.min(stagingBytes, bytes - begin), (piece) => {
        stream.download(piece, from + BigInt(begin));
        return { done: completions.after(() => target.set(piece, begin)) };
      });
      pieces.push(copied.done);
    }
    await Promise.all(pieces);
    return target;
  }

  /** The same at once, which holds the event loop. */
  downloadNow(from: Address, bytes: number): Uint8Array<ArrayBuffer> {
    const { driver, stream } = this.#context;
    const target = new Uint8Array(bytes);
    const pinned = driver.allocatePinned(Math.min(stagingBytes, Math.max(bytes, alignment)));
    try {
      for (let begin = 0; begin < bytes; begin += stagingBytes) {
        const piece = new Uint8Array(pinned.bytes, 0, Math.min(stagingBytes, bytes - begin));
        stream.download(piece, from + BigInt(begin));
        stream.synchronize();
        target.set(piece, begin);
      }
    } finally {
      pinned.free();
    }
    return target;
  }

  close(): void {
    for (const { pinned } of this.#stagings.splice(0)) pinned.free();
  }

  /** Hands out a piece of pinned memory, which must be in the stream when `use` returns. */
  async #withSpace<Result>(bytes: number, use: (piece: Uint8Array<ArrayBuffer>) => Result): Promise<Result> {
    for (;;) {
      const staging = this.#staging(this.#current);
      if (staging.used + bytes <= stagingBytes) {
        const piece = new Uint8Array(staging.pinned.bytes, staging.used, bytes);
        staging.used = Math.ceil((staging.used + bytes) / alignment) * alignment;
        return use(piece);
      }
      this.#switching ??= this.#switch().finally(() => {
        this.#switching = undefined;
      });
      await this.#switching;
    }
  }

  /** Goes on with the other place once what it held is through. */
  async #switch(): Promise<void> {
    const full = this.#staging(this.#current);
    full.used = stagingBytes;
    full.isThrough = this.#context.completions.after(() => {
      full.used = 0;
    });
    // Who waits for it is told; where nobody does, a later copy fails with the same error.
    full.isThrough.catch(() => undefined);
    this.#current = 1 - this.#current;
    await this.#staging(this.#current).isThrough;
  }

  #staging(index: number): Staging {
    const known = this.#stagings[index];
    if (known) return known;
    const pinned = this.#context.driver.allocatePinned(stagingBytes);
    const staging = { pinned, used: 0, isThrough: Promise.resolve() };
    this.#stagings[index] = staging;
    return staging;
  }
}
