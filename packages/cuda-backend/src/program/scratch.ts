import type { Address, Driver, Stream } from '../device/driver.ts';
import { quietly } from './quietly.ts';

/** A claim on scratch memory of some size. */
export interface ScratchClaim {
  /** Makes the block large enough; it moves where it was too small. */
  ensure(): void;
  release(): void;
}

/**
 * One block of memory for what lives within a single run, shared by every function of a device: the stream runs them one
 * after another. It is as large as the largest claim so far, until nobody claims any.
 */
export class Scratch {
  readonly #driver: Driver;
  readonly #stream: Stream;
  readonly #claims = new Set<{ readonly bytes: number }>();
  #address: Address | undefined;
  #bytes = 0;
  /** Grows when the block moves, so that launches with addresses in the old one are stale. */
  generation = 0;

  constructor(driver: Driver, stream: Stream) {
    this.#driver = driver;
    this.#stream = stream;
  }

  get bytes(): number {
    return this.#bytes;
  }

  get address(): Address {
    return this.#address ?? 0n;
  }

  claim(bytes: number): ScratchClaim {
    const claim = { bytes };
    this.#claims.add(claim);
    return {
      ensure: () => this.#grow(bytes),
      release: () => {
        this.#claims.delete(claim);
        if (this.#claims.size === 0) this.#free();
      },
    };
  }

  #grow(bytes: number): void {
    if (bytes <= this.#bytes) return;
    this.#free();
    this.#address = this.#driver.allocate(bytes);
    this.#bytes = bytes;
  }

  #free(): void {
    const address = this.#address;
    if (address === undefined) return;
    this.#address = undefined;
    this.#bytes = 0;
    this.generation++;
    quietly(() => {
      // Runs of other programs may still be under way in it.
      this.#stream.synchronize();
      this.#driver.free(address);
    });
  }
}
