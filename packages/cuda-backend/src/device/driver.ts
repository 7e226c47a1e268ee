import type { ParameterBlock } from './parameterBlock.ts';

/** A place in the memory of the device. */
export type Address = bigint;

/** What plans and kernels need to know of a device. */
export interface DeviceDescription {
  readonly name: string;
  /** Compute capability as one number: 90 for 9.0. */
  readonly architecture: number;
  readonly multiprocessors: number;
  /** Bytes of shared memory that one block may ask for. */
  readonly sharedMemory: number;
  /** Bytes of memory. */
  readonly memory: number;
  /** Highest CUDA version of the driver: 12040 for 12.4. */
  readonly driverVersion: number;
}

/** One device and its primary context. Every call throws a CudaError that names it and its status where it fails. */
export interface Driver {
  readonly device: DeviceDescription;
  /** Makes its context that of this thread, for calls of other libraries; its own calls do so themselves. */
  enter(): void;
  /** Bytes that can still be allocated. */
  freeMemory(): number;
  allocate(bytes: number): Address;
  free(address: Address): void;
  allocatePinned(bytes: number): PinnedMemory;
  openStream(): Stream;
  createEvent(): Event;
  /** A compiled image: a cubin or PTX. */
  loadModule(image: Uint8Array): Module;
  /** Gives the device back; what was made with it must be freed before. */
  close(): void;
}

/** Host memory that the device copies from and to by itself. */
export interface PinnedMemory {
  readonly bytes: ArrayBuffer;
  /** The bytes are no memory from then on: whoever reads them may end the process. */
  free(): void;
}

export interface Module {
  /** Loads a kernel by its name, outside of captures; dynamic shared memory above the usual limit is allowed here. */
  kernel(name: string, sharedBytes?: number): Kernel;
  unload(): void;
}

/** A kernel of a loaded module. */
export interface Kernel {
  readonly name: string;
  readonly handle: bigint;
}

export interface Launch {
  readonly blocks: number;
  readonly threads: number;
  readonly sharedBytes?: number;
  /** The kernel's one parameter, a struct, laid out; copied by the launch, also by a captured one. */
  readonly parameters: ParameterBlock;
}

/** A queue of work: what is put in runs in order. Nothing here waits but `synchronize`. */
export interface Stream {
  readonly handle: bigint;
  /** Copies from a place of pinned memory. */
  upload(to: Address, from: Uint8Array): void;
  /** Copies to a place of pinned memory. */
  download(to: Uint8Array, from: Address): void;
  copy(to: Address, from: Address, bytes: number): void;
  clear(address: Address, bytes: number): void;
  launch(kernel: Kernel, launch: Launch): void;
  /** Records what `work` puts in instead of running it; an error of `work` ends the capture. */
  capture(work: () => void): ExecutableGraph;
  launchGraph(graph: ExecutableGraph): void;
  record(event: Event): void;
  synchronize(): void;
  close(): void;
}

export interface ExecutableGraph {
  readonly handle: bigint;
  /** Nodes of the graph. */
  readonly nodes: number;
  destroy(): void;
}

export interface Event {
  readonly handle: bigint;
  /** Whether all that was put in before it was recorded has run. */
  isDone(): boolean;
  /** Milliseconds from an earlier event to this one. */
  since(earlier: Event): number;
  destroy(): void;
}
