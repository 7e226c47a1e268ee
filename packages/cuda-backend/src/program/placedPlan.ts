import { sizeOf, type Weights } from '@peft/core';
import type { Address, ExecutableGraph } from '../device/driver.ts';
import type { Plan } from '../plan/plan.ts';
import type { Region } from '../plan/region.ts';
import { bytesPerNumber } from '../plan/storage.ts';
import { type BlockLayout, blockLayout } from './blockLayout.ts';
import { commitKernel, commitLaunch, commitTable, commitTableBytes } from './commitLaunch.ts';
import type { WeightLease, WeightRequest } from './deviceWeights.ts';
import type { EngineDevice } from './engineDevice.ts';
import { type Call, loadPlan, putCalls } from './loadPlan.ts';
import { quietly } from './quietly.ts';
import { requireMemory } from './requireMemory.ts';
import { type ResultBlock, resultBlock } from './resultBlock.ts';
import type { ScratchClaim } from './scratch.ts';
import type { StateMemory } from './stateMemory.ts';
import type { WeightSources } from './weightSources.ts';

export interface PlacedPlanOptions {
  /** Of the function, for errors. */
  readonly name: string;
  readonly plan: Plan;
  readonly sources: WeightSources;
  /** Whether the metrics that are no result of the device are finite. */
  readonly isAllowed: boolean;
}

/** The table of pieces of the next state, in the block of constants. */
const commitRegion = Symbol('pieces of the next state');

/** A plan with memory: its regions at addresses, its commands as one graph of the device. */
export class PlacedPlan {
  readonly #device: EngineDevice;
  readonly #options: PlacedPlanOptions;
  readonly inputs: BlockLayout<Region>;
  readonly results: ResultBlock;
  readonly #constants: BlockLayout<Region | typeof commitRegion>;
  readonly #stateSizes: readonly number[];
  readonly #parts: Readonly<Record<'workspace' | 'inputs' | 'results' | 'arena', number>>;
  readonly #scratchBytes: number;
  #scratch: ScratchClaim | undefined;
  #constantAddress: Address | undefined;
  #leases: readonly WeightLease[] = [];
  #weights: Weights | undefined;
  #requests: readonly WeightRequest[] = [];
  #revision = -1;
  #generation = -1;
  #calls: readonly Call[] = [];
  #graph: ExecutableGraph | undefined;

  constructor(device: EngineDevice, options: PlacedPlanOptions) {
    const { plan } = options;
    this.#device = device;
    this.#options = options;
    const bytesOf = ({ bytes }: Region) => bytes;
    this.inputs = blockLayout(
      plan.inputs.map(({ operand }) => operand.region),
      { bytesOf },
    );
    this.results = resultBlock(plan);
    const writes = plan.results.filter(({ kind }) => kind === 'state');
    this.#stateSizes = writes.map(({ operand, shape }) => sizeOf(shape) * bytesPerNumber(operand.storage));
    const table = commitTableBytes(this.#stateSizes);
    this.#constants = blockLayout<Region | typeof commitRegion>([...plan.constants, commitRegion], {
      bytesOf: (part) => (part === commitRegion ? table : part.bytes),
    });
    const hasProducts = plan.commands.some(({ kind }) => kind === 'product');
    const sizes = {
      workspace: hasProducts ? (device.products?.workspaceBytes ?? 0) : 0,
      inputs: this.inputs.bytes,
      results: this.results.bytes,
      arena: plan.arenaBytes,
    };
    const { bytes, offsets } = blockLayout(Object.keys(sizes) as (keyof typeof sizes)[], {
      bytesOf: (part) => sizes[part],
    });
    this.#parts = Object.fromEntries(offsets) as Record<keyof typeof sizes, number>;
    this.#scratchBytes = bytes;
  }

  /** Where the inputs of a run are uploaded to. */
  get inputAddress(): Address {
    return this.#at('inputs');
  }

  /** Where the results of a run are downloaded from. */
  get resultAddress(): Address {
    return this.#at('results');
  }

  /** Nodes of the device's graph. */
  get nodes(): number {
    return this.#graph?.nodes ?? 0;
  }

  /** Whether a run can be put in now: nothing it names has moved or was rewritten. */
  isReady({ revision }: Weights): boolean {
    return revision === this.#revision && this.#generation === this.#device.scratch.generation;
  }

  /** Brings weights that were rewritten, and finds everything's place; no run may be under way. */
  async prepare(weights: Weights, state: StateMemory): Promise<void> {
    const { kernels, products, scratch, driver } = this.#device;
    const { commands } = this.#options.plan;
    const { revision } = weights;
    this.#weights = weights;
    const requests = this.#options.sources(weights);
    const isSame = requests.every((request, index) => isSameRequest(request, this.#requests[index]));
    this.#requireMemory(requests, state);
    if (this.#generation < 0) {
      await kernels.load([commitKernel, ...commands.flatMap((each) => ('kernel' in each ? [each.kernel] : []))]);
      for (const command of commands) if (command.kind === 'product') products?.prepare(command.product);
    }
    await state.settle();
    if (!isSame || this.#leases.length !== requests.length) {
      const former = this.#leases;
      this.#leases = await this.#device.weights.lease(requests);
      this.#requests = requests;
      this.#generation = -1;
      for (const lease of former) lease.drop();
    }
    this.#scratch ??= scratch.claim(this.#scratchBytes);
    this.#constantAddress ??= driver.allocate(Math.max(this.#constants.bytes, 1));
    this.#scratch.ensure();
    // Another program may move the block while tables are uploaded.
    while (this.#generation !== scratch.generation) {
      const { generation } = scratch;
      await this.#load(state);
      this.#generation = generation;
      this.#scratch.ensure();
    }
    this.#revision = revision;
  }

  /** Puts a run in the stream. */
  put(): void {
    const { stream } = this.#device;
    if (this.#graph) stream.launchGraph(this.#graph);
    else putCalls(this.#calls, stream, { isEachWaitedFor: true });
  }

  release(): void {
    const { driver } = this.#device;
    this.#dropGraph();
    const requests = this.#weights ? this.#options.sources(this.#weights) : [];
    for (const [index, lease] of this.#leases.entries()) {
      // What was written again since is wanted by nobody.
      const request = requests[index];
      if (request && isSameRequest(request, this.#requests[index])) lease.release();
      else lease.drop();
    }
    this.#leases = [];
    this.#scratch?.release();
    this.#scratch = undefined;
    const address = this.#constantAddress;
    this.#constantAddress = undefined;
    if (address !== undefined) quietly(() => driver.free(address));
    this.#generation = -1;
  }

  #requireMemory(requests: readonly WeightRequest[], state: StateMemory): void {
    const { driver, weights, scratch } = this.#device;
    const { inputs, results, arena, workspace } = this.#bytes();
    const missingWeights = weights.missingBytes(requests);
    const missing =
      missingWeights +
      (state.isAllocated ? 0 : state.bytes) +
      (this.#constantAddress === undefined ? this.#constants.bytes : 0) +
      Math.max(0, this.#scratchBytes - scratch.bytes);
    if (missing === 0) return;
    const free = driver.freeMemory();
    const idle = weights.idleBytes(requests);
    if (missing > free && idle > 0) weights.freeIdle(requests);
    const all = requests.reduce((sum, { array, storage }) => sum + array.data.length * bytesPerNumber(storage), 0);
    const need = { weights: all, state: state.bytes, arena, inputs: inputs + results, missing };
    requireMemory(
      this.#options.name,
      { ...need, constants: this.#constants.bytes + workspace },
      { device: driver.device, free: missing > free ? free + idle : free },
    );
  }

  #bytes() {
    const { arenaBytes } = this.#options.plan;
    const { workspace, inputs } = this.#parts;
    return { workspace: inputs - workspace, inputs: this.inputs.bytes, results: this.results.bytes, arena: arenaBytes };
  }

  #at(part: 'workspace' | 'inputs' | 'results' | 'arena'): Address {
    return this.#device.scratch.address + BigInt(this.#parts[part]);
  }

  /** Gives every region its address, uploads constants and tables, and records the graph. */
  async #load(state: StateMemory): Promise<void> {
    const { kernels, products, transfers, stream, graphs } = this.#device;
    const { plan } = this.#options;
    this.#dropGraph();
    const addressOf = this.#addresses(state);
    const tables: (readonly [Address, Uint8Array])[] = [];
    const putTable = (address: Address, bytes: Uint8Array) => void tables.push([address, bytes]);
    for (const region of plan.constants) if (region.data) putTable(addressOf(region), region.data);
    const calls = loadPlan(plan.commands, {
      kernels,
      products,
      addressOf,
      workspace: this.#at('workspace'),
      putTable,
    });
    this.#calls = [...calls, this.#commitCall(state, addressOf, putTable)];
    await Promise.all(tables.map(([address, bytes]) => transfers.uploadBytes(address, bytes)));
    if (graphs) this.#graph = stream.capture(() => putCalls(this.#calls, stream));
  }

  #commitCall(
    state: StateMemory,
    addressOf: (region: Region) => Address,
    putTable: (address: Address, bytes: Uint8Array) => void,
  ): Call {
    const { plan, isAllowed } = this.#options;
    const writes = plan.results.flatMap(({ kind, path, operand }) =>
      kind === 'state' ? [{ from: addressOf(operand.region) + BigInt(operand.offset), to: state.addressOf(path) }] : [],
    );
    const table = this.#constant(commitRegion);
    const rows = writes.map((write, index) => ({ ...write, bytes: this.#stateSizes[index] as number }));
    if (rows.length > 0) putTable(table, commitTable(rows));
    const { floatMetrics } = this.results;
    const launch = commitLaunch(this.#stateSizes, {
      table,
      metrics: this.resultAddress + 16n,
      metricCount: floatMetrics,
      flag: this.resultAddress,
      isAllowed,
    });
    const kernel = this.#device.kernels.kernel(commitKernel);
    return { node: 'the next state', put: (stream) => stream.launch(kernel, launch) };
  }

  #addresses(state: StateMemory): (region: Region) => Address {
    const { plan } = this.#options;
    const places = new Map<Region, Address>();
    for (const [region, offset] of plan.offsets) places.set(region, this.#at('arena') + BigInt(offset));
    for (const [region, offset] of this.inputs.offsets) places.set(region, this.inputAddress + BigInt(offset));
    for (const [region, offset] of this.results.offsets) places.set(region, this.resultAddress + BigInt(offset));
    for (const { path, operand } of plan.state) places.set(operand.region, state.addressOf(path));
    for (const region of plan.constants) places.set(region, this.#constant(region));
    for (const [index, { operand }] of plan.weights.entries()) {
      places.set(operand.region, (this.#leases[index] as WeightLease).address);
    }
    return (region) => places.get(region) as Address;
  }

  #constant(part: Region | typeof commitRegion): Address {
    return (this.#constantAddress as Address) + BigInt(this.#constants.offsets.get(part) as number);
  }

  #dropGraph(): void {
    const graph = this.#graph;
    this.#graph = undefined;
    if (graph) quietly(() => graph.destroy());
  }
}

function isSameRequest(request: WeightRequest, known: WeightRequest | undefined): boolean {
  return known?.array.data === request.array.data && known.version === request.version;
}
