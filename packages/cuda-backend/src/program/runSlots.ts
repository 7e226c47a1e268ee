import type { Driver, PinnedMemory } from '../device/driver.ts';
import type { InputPacker } from './inputPacker.ts';
import { quietly } from './quietly.ts';
import { type ResultBlock, type ResultViews, viewOf } from './resultBlock.ts';

/** Pinned memory for one run: its inputs, then its results. */
export interface RunSlot {
  readonly pinned: PinnedMemory;
  readonly upload: Uint8Array<ArrayBuffer>;
  readonly download: Uint8Array<ArrayBuffer>;
  readonly inputs: ReturnType<InputPacker['viewsOf']>;
  readonly results: ResultViews;
}

/** Runs of one function that may be under way at a time. */
export const mostRuns = 8;

/** Bytes of slots that wait for the next run; what is larger is given back at once. */
const keptBytes = 16 * 2 ** 20;

export interface RunSlotsOptions {
  readonly packer: InputPacker;
  readonly inputBytes: number;
  readonly results: ResultBlock;
}

/** The ring of places through which runs of a function take in and give back. */
export class RunSlots {
  readonly #driver: Driver;
  readonly #options: RunSlotsOptions;
  readonly #free: RunSlot[] = [];
  #taken = 0;

  constructor(driver: Driver, options: RunSlotsOptions) {
    this.#driver = driver;
    this.#options = options;
  }

  /** Whether one more run may begin before another has ended. */
  get hasRoom(): boolean {
    return this.#taken < mostRuns;
  }

  take(): RunSlot {
    const slot = this.#free.pop() ?? this.#make();
    this.#taken++;
    return slot;
  }

  giveBack(slot: RunSlot): void {
    this.#taken--;
    const bytes = slot.pinned.bytes.byteLength;
    if ((this.#free.length + 1) * bytes <= keptBytes) this.#free.push(slot);
    else quietly(() => slot.pinned.free());
  }

  close(): void {
    for (const { pinned } of this.#free.splice(0)) quietly(() => pinned.free());
  }

  #make(): RunSlot {
    const { packer, inputBytes, results } = this.#options;
    const pinned = this.#driver.allocatePinned(inputBytes + results.bytes);
    return {
      pinned,
      upload: new Uint8Array(pinned.bytes, 0, inputBytes),
      download: new Uint8Array(pinned.bytes, inputBytes, results.bytes),
      inputs: packer.viewsOf(pinned.bytes),
      results: {
        flag: new Int32Array(pinned.bytes, inputBytes, 1),
        metrics: results.metrics.map((metric) => viewOf(metric, pinned.bytes, inputBytes)),
      },
    };
  }
}
