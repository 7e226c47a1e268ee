import type { Graph } from '@peft/graph';
import type { Driver, Stream } from '../device/driver.ts';
import type { KernelLibrary } from '../device/kernelLibrary.ts';
import type { ProductLibrary } from '../device/products.ts';
import type { Plan } from '../plan/plan.ts';
import { Completions } from './completions.ts';
import { DeviceWeights } from './deviceWeights.ts';
import { quietly } from './quietly.ts';
import { Scratch } from './scratch.ts';
import { Transfers } from './transfers.ts';

export interface EngineDeviceOptions {
  readonly driver: Driver;
  readonly kernels: KernelLibrary;
  /** Without one, products are kernels too. */
  readonly products?: ProductLibrary | undefined;
  /** How a graph runs on this device. */
  readonly planOf: (graph: Graph) => Plan;
  /** Whether a run is one graph, or launch after launch, each waited for so that an error names its operation. */
  readonly graphs?: boolean;
  /** Bytes that the results of a run may hold at one time. */
  readonly memoryBudget?: number | undefined;
}

/** A device and what all programs of an engine share on it: one stream, the weights, scratch memory. */
export class EngineDevice {
  readonly driver: Driver;
  readonly kernels: KernelLibrary;
  readonly products: ProductLibrary | undefined;
  readonly planOf: (graph: Graph) => Plan;
  readonly graphs: boolean;
  readonly memoryBudget: number | undefined;
  readonly stream: Stream;
  readonly completions: Completions;
  readonly transfers: Transfers;
  readonly weights: DeviceWeights;
  readonly scratch: Scratch;
  #programs = 0;
  #isClosing = false;
  #isClosed = false;

  constructor({ driver, kernels, products, planOf, graphs = true, memoryBudget }: EngineDeviceOptions) {
    this.driver = driver;
    this.kernels = kernels;
    this.products = products;
    this.planOf = planOf;
    this.graphs = graphs;
    this.memoryBudget = memoryBudget;
    this.stream = driver.openStream();
    this.completions = new Completions(driver, this.stream);
    this.transfers = new Transfers(this);
    this.weights = new DeviceWeights(driver, this.transfers);
    this.scratch = new Scratch(driver, this.stream);
  }

  /** Says that a program uses the device; the result says that it does so no more. */
  use(): () => void {
    this.#programs++;
    return () => {
      this.#programs--;
      if (this.#isClosing) this.close();
    };
  }

  /** Gives everything back once no program uses it. */
  close(): void {
    this.#isClosing = true;
    if (this.#programs > 0 || this.#isClosed) return;
    this.#isClosed = true;
    quietly(() => this.stream.synchronize());
    const parts = [this.completions, this.weights, this.transfers, this.stream, this.kernels, this.products];
    for (const part of parts) quietly(() => part?.close());
    quietly(() => this.driver.close());
  }
}
