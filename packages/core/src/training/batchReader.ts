import { PeftError, type Seed } from '@peft/ops';
import { sizeOf } from '../hostArray.ts';
import { type Data, isDataSource } from './dataSource.ts';
import type { HostBatch } from './loss.ts';

/** Where a run is in its data: the next batch of an epoch. */
export type DataPosition = { readonly epoch: number; readonly batch: number };

/** Draws batches one after another, epoch after epoch, and knows its position. */
export class BatchReader {
  readonly #data: Data;
  readonly #seed: Seed;
  #position: DataPosition;
  #iterator: Iterator<HostBatch> | AsyncIterator<HostBatch> | undefined;

  constructor(data: Data, seed: Seed, position: DataPosition = { epoch: 0, batch: 0 }) {
    this.#data = data;
    this.#seed = seed;
    this.#position = position;
  }

  get position(): DataPosition {
    return this.#position;
  }

  async next(): Promise<HostBatch> {
    for (let attempt = 0; attempt < 2; attempt++) {
      this.#iterator ??= this.#open();
      const { done, value } = await this.#iterator.next();
      if (!done) {
        checkBatch(value, this.#position);
        this.#position = { ...this.#position, batch: this.#position.batch + 1 };
        return value;
      }
      if (this.#position.batch === 0 || !isDataSource(this.#data)) break;
      this.#iterator = undefined;
      this.#position = { epoch: this.#position.epoch + 1, batch: 0 };
    }
    throw new PeftError(
      'data/exhausted',
      `the data ended after ${this.#position.batch} batches of epoch ${this.#position.epoch}; ${
        isDataSource(this.#data)
          ? 'an epoch needs at least one batch.'
          : 'a plain iterable is read once: give it enough batches for all steps, or pass a data source such as batches().'
      }`,
    );
  }

  /** The next batches, each checked before the one after it is drawn. */
  async take(count: number, check: (batch: HostBatch) => void): Promise<readonly HostBatch[]> {
    const batches: HostBatch[] = [];
    while (batches.length < count) {
      const batch = await this.next();
      check(batch);
      batches.push(batch);
    }
    return batches;
  }

  /** Lets the source free what an unfinished epoch holds. */
  async close(): Promise<void> {
    await this.#iterator?.return?.();
    this.#iterator = undefined;
  }

  #open(): Iterator<HostBatch> | AsyncIterator<HostBatch> {
    const { epoch, batch } = this.#position;
    const epochBatches = isDataSource(this.#data) ? this.#data.batches(epoch, this.#seed, batch) : this.#data;
    return Symbol.asyncIterator in epochBatches
      ? epochBatches[Symbol.asyncIterator]()
      : (epochBatches as Iterable<HostBatch>)[Symbol.iterator]();
  }
}

function checkBatch(batch: HostBatch, { epoch, batch: index }: DataPosition): void {
  for (const [name, array] of Object.entries(batch)) {
    if (!ArrayBuffer.isView(array?.data)) {
      throw new PeftError(
        'data/not-an-array',
        `column "${name}" of batch ${index}, epoch ${epoch}, is not a host array; pass { dtype, shape, data } (hostArray() makes one).`,
      );
    }
    if (sizeOf(array.shape) !== array.data.length) {
      throw new PeftError(
        'data/shape',
        `column "${name}" of batch ${index}, epoch ${epoch}, has ${array.data.length} values but shape [${array.shape}] (${sizeOf(array.shape)}); fix the shape or the values.`,
      );
    }
  }
}
