import type { HostArray } from '@peft/core';
import type { Address, Driver } from '../device/driver.ts';
import { bytesPerNumber, type Storage } from '../plan/storage.ts';
import { fillStorage } from './fillStorage.ts';
import { quietly } from './quietly.ts';
import type { Transfers } from './transfers.ts';

/** A frozen array as it is to lie on the device. */
export interface WeightRequest {
  readonly array: HostArray;
  /** Grows where the same array was written again. */
  readonly version: number;
  readonly storage: Storage;
}

/** A hold on a copy on the device. */
export interface WeightLease {
  readonly address: Address;
  /** Gives the hold up; a copy that nobody holds stays for a while. */
  release(): void;
  /** Gives up the hold on what was written again: the copy is freed once nobody holds it. */
  drop(): void;
}

interface Entry {
  readonly address: Address;
  readonly bytes: number;
  readonly isThere: Promise<void>;
  users: number;
  /** Whether somebody dropped it: it is not kept for the next one to want it. */
  isDropped: boolean;
}

/** Milliseconds for which copies stay that nobody holds: the next link of a chain wants them again. */
const idleTime = 30_000;

/** Frozen arrays on the device: uploaded once for each storage, whoever reads them, and kept for a while after. */
export class DeviceWeights {
  readonly #driver: Driver;
  readonly #transfers: Transfers;
  readonly #arrays = new Map<HostArray['data'], Map<string, Entry>>();
  #timer: ReturnType<typeof setTimeout> | undefined;

  constructor(driver: Driver, transfers: Transfers) {
    this.#driver = driver;
    this.#transfers = transfers;
  }

  /** Copies on the device, and their bytes. */
  get held(): { readonly count: number; readonly bytes: number } {
    const entries = [...this.#arrays.values()].flatMap((found) => [...found.values()]);
    return { count: entries.length, bytes: entries.reduce((sum, { bytes }) => sum + bytes, 0) };
  }

  /** Bytes that `lease` would allocate for these. */
  missingBytes(requests: readonly WeightRequest[]): number {
    const counted = new Map<HostArray['data'], Set<string>>();
    let bytes = 0;
    for (const request of requests) {
      const { data } = request.array;
      const key = keyOf(request);
      const seen = counted.get(data) ?? new Set<string>();
      counted.set(data, seen);
      if (seen.has(key) || this.#arrays.get(data)?.has(key)) continue;
      seen.add(key);
      bytes += bytesOf(request);
    }
    return bytes;
  }

  /** Bytes of copies that nobody holds and these would not use. */
  idleBytes(requests: readonly WeightRequest[]): number {
    return this.#idle(requests).reduce((sum, { bytes }) => sum + bytes, 0);
  }

  /** Frees copies that nobody holds and these would not use. */
  freeIdle(requests: readonly WeightRequest[] = []): void {
    for (const { data, key, entry } of this.#idle(requests)) this.#free(data, key, entry);
  }

  /** Copies of these, in their order, uploaded where they are not there yet. */
  async lease(requests: readonly WeightRequest[]): Promise<readonly WeightLease[]> {
    const leases: WeightLease[] = [];
    const uploads: Promise<void>[] = [];
    try {
      for (const request of requests) {
        const entry = this.#entry(request);
        leases.push(this.#leaseOf(entry, request));
        uploads.push(entry.isThere);
      }
      await Promise.all(uploads);
      return leases;
    } catch (error) {
      // Memory that is still written to is not given back.
      await Promise.allSettled(uploads);
      for (const lease of leases) lease.release();
      throw error;
    }
  }

  close(): void {
    clearTimeout(this.#timer);
    this.freeIdle();
  }

  #entry(request: WeightRequest): Entry {
    const { array, storage } = request;
    const found = this.#arrays.get(array.data) ?? new Map<string, Entry>();
    const key = keyOf(request);
    const known = found.get(key);
    if (known) return known;
    const bytes = bytesOf(request);
    const address = this.#driver.allocate(Math.max(bytes, 1));
    const isThere = this.#transfers.upload(address, bytes, fillStorage(array, storage));
    const entry: Entry = { address, bytes, isThere, users: 0, isDropped: false };
    this.#arrays.set(array.data, found.set(key, entry));
    // A copy that never got there is no copy.
    isThere.catch(() => {
      this.#free(array.data, key, entry);
    });
    return entry;
  }

  #leaseOf(entry: Entry, request: WeightRequest): WeightLease {
    entry.users++;
    entry.isDropped = false;
    let isHeld = true;
    const letGo = () => {
      if (!isHeld) return;
      isHeld = false;
      entry.users--;
      if (entry.users > 0) return;
      if (entry.isDropped) this.#free(request.array.data, keyOf(request), entry);
      else this.#freeIdleLater();
    };
    return {
      address: entry.address,
      release: letGo,
      drop: () => {
        entry.isDropped ||= isHeld;
        letGo();
      },
    };
  }

  #freeIdleLater(): void {
    clearTimeout(this.#timer);
    this.#timer = setTimeout(() => this.freeIdle(), idleTime);
    this.#timer.unref();
  }

  #idle(requests: readonly WeightRequest[]) {
    const wanted = new Map<HostArray['data'], Set<string>>();
    for (const request of requests) {
      const { data } = request.array;
      wanted.set(data, (wanted.get(data) ?? new Set<string>()).add(keyOf(request)));
    }
    return [...this.#arrays].flatMap(([data, found]) =>
      [...found].flatMap(([key, entry]) =>
        entry.users === 0 && !wanted.get(data)?.has(key) ? [{ data, key, entry, bytes: entry.bytes }] : [],
      ),
    );
  }

  #free(data: HostArray['data'], key: string, entry: Entry): void {
    const found = this.#arrays.get(data);
    if (found?.get(key) !== entry) return;
    found.delete(key);
    if (found.size === 0) this.#arrays.delete(data);
    quietly(() => this.#driver.free(entry.address));
  }
}

function keyOf({ version, storage }: WeightRequest): string {
  return `${version} ${storage}`;
}

function bytesOf({ array, storage }: WeightRequest): number {
  return array.data.length * bytesPerNumber(storage);
}
