import { type HostSource, hostBackend, type StateLeaf, StateTree, stateType, typesKey } from '@peft/compiler';
import { type Snapshot, sizeOf } from '@peft/core';
import type { TensorType, TypedArray } from '@peft/graph';
import type { Tensor } from '@tensorflow/tfjs';
import type { Address, Driver } from '../device/driver.ts';
import { type BlockLayout, blockLayout } from './blockLayout.ts';
import { quietly } from './quietly.ts';
import type { Transfers } from './transfers.ts';

interface Leaf extends StateLeaf {
  /** Its tensor's values are not on the device yet. */
  isPending: boolean;
}

/** The state that the functions of a program share: leaves at fixed addresses for as long as their types are the same. */
export class StateMemory {
  readonly #driver: Driver;
  readonly #transfers: Transfers;
  readonly #state = new StateTree<Leaf>();
  #layout: BlockLayout<string> = { bytes: 0, offsets: new Map() };
  #address: Address | undefined;
  #key = '';
  #pending = 0;
  /** Reads under way: until they have ended nothing is written and nothing freed. */
  readonly #reads = new Set<Promise<unknown>>();

  constructor(driver: Driver, transfers: Transfers) {
    this.#driver = driver;
    this.#transfers = transfers;
  }

  /** Tells states of other shapes and dtypes apart. */
  get key(): string {
    return this.#key;
  }

  /** Shape and dtype of each leaf, nested as the state is. */
  get tree(): Snapshot {
    return this.#state.tree;
  }

  /** Bytes of the block. */
  get bytes(): number {
    return this.#layout.bytes;
  }

  /** Whether the block has its memory. */
  get isAllocated(): boolean {
    return this.#address !== undefined;
  }

  /** Whether every leaf has its values on the device, and nobody reads there. */
  get isSettled(): boolean {
    return this.#isThere && this.#reads.size === 0;
  }

  addressOf(path: string): Address {
    return (this.#address ?? 0n) + BigInt(this.#layout.offsets.get(path) as number);
  }

  /** Takes over a state. Nothing is copied before a run needs it: tensors that `view` made stay where they are. */
  async bind(state: Snapshot): Promise<void> {
    const arrivals = this.#state.arrivals(state);
    const types = new Map(arrivals.map(({ path, tensor }) => [path, stateType(tensor)]));
    const key = typesKey(types);
    const isSame = key === this.#key;
    const moved = arrivals.filter(({ path, own }) => own && !(isSame && own === this.#state.leaf(path)));
    await Promise.all(moved.map(({ tensor }) => hostBackend().fetch(tensor)));
    await this.unread();
    const next = arrivals.map(({ path, tensor, own }): [string, Leaf] => {
      const stays = isSame && own !== undefined && own === this.#state.leaf(path);
      return [path, stays ? own : { ...(types.get(path) as TensorType), tensor, isPending: true }];
    });
    this.#state.exchange(new Map(next), state);
    this.#pending = next.filter(([, { isPending }]) => isPending).length;
    if (isSame) return;
    this.#free();
    this.#key = key;
    this.#layout = blockLayout(types.keys(), { bytesOf: (path) => bytesOf(types.get(path) as TensorType) });
  }

  /** Waits until nobody reads on the device. */
  async unread(): Promise<void> {
    while (this.#reads.size > 0) await Promise.allSettled(this.#reads);
  }

  /** Gives the state its memory and brings there what is not there yet. */
  async settle(): Promise<void> {
    await this.unread();
    if (this.#isThere) return;
    this.#address ??= this.#driver.allocate(this.#layout.bytes);
    for (const [path, leaf] of this.#state.leaves) {
      if (!leaf.isPending) continue;
      const tensor = leaf.tensor as Tensor;
      const values = hostBackend().arrayOf(tensor) ?? ((await tensor.data()) as TypedArray);
      const bytes = new Uint8Array(values.buffer, values.byteOffset, values.byteLength);
      await this.#transfers.uploadBytes(this.addressOf(path), bytes);
      leaf.isPending = false;
      this.#pending--;
    }
  }

  /** Says that a run put new values to these leaves. */
  replaced(paths: readonly string[]): void {
    this.#state.replaced(paths);
  }

  /** The state as tensors that are read from the device when somebody asks for their values. */
  view(): Snapshot {
    return this.#state.view((leaf, path) => hostBackend().tensorFrom(this.#sourceOf(leaf, path), leaf));
  }

  /** Gives the state up, its values on the host. */
  async release(): Promise<Snapshot> {
    const host = hostBackend();
    const state = this.#state.snapshot((leaf, path) => host.tensorFrom(this.#sourceOf(leaf, path), leaf));
    const tensors = [...this.#state.leaves.values()].flatMap(({ tensor }) => tensor ?? []);
    await Promise.all(tensors.map((tensor) => host.fetch(tensor)));
    await this.unread();
    this.#state.forget();
    this.#clear();
    return state;
  }

  /** Frees the state and its memory. */
  async clear(): Promise<void> {
    await this.unread();
    this.#state.exchange(new Map(), {});
    this.#clear();
  }

  get #isThere(): boolean {
    return this.#pending === 0 && (this.#address !== undefined || this.#layout.bytes === 0);
  }

  #clear(): void {
    this.#free();
    this.#layout = { bytes: 0, offsets: new Map() };
    this.#key = '';
    this.#pending = 0;
  }

  #free(): void {
    const address = this.#address;
    this.#address = undefined;
    if (address !== undefined) quietly(() => this.#driver.free(address));
  }

  async #read(path: string, bytes: number): Promise<Uint8Array<ArrayBuffer>> {
    const reading = this.#transfers.download(this.addressOf(path), bytes);
    this.#reads.add(reading);
    try {
      return await reading;
    } finally {
      this.#reads.delete(reading);
    }
  }

  #sourceOf(leaf: Leaf, path: string): HostSource {
    const bytes = bytesOf(leaf);
    return {
      read: async () => arrayOver(await this.#read(path, bytes), leaf),
      readSync: () => arrayOver(this.#transfers.downloadNow(this.addressOf(path), bytes), leaf),
    };
  }
}

function bytesOf({ shape, dtype }: TensorType): number {
  return sizeOf(shape) * (dtype === 'bool' ? 1 : 4);
}

function arrayOver(bytes: Uint8Array<ArrayBuffer>, { dtype }: TensorType): TypedArray {
  if (dtype === 'bool') return bytes;
  return dtype === 'float32' ? new Float32Array(bytes.buffer) : new Int32Array(bytes.buffer);
}
