import { basename, join } from 'node:path';
import koffi, { type LibraryHandle } from 'koffi';
import { cacheFolder, compileHost, simulatorPath, simulatorText, standardFlags } from './hostCompiler.ts';
import { kernelFlags } from './hostKernels.ts';
import { hostRuntime, runtimeLibrary, type ThreadOrder } from './hostRuntime.ts';

/** Paths of the libraries that stand in for NVIDIA's. */
export interface SimulatedLibraries {
  readonly driver: string;
  readonly nvrtc: string;
  readonly cublasLt: string;
}

/** Folder for compiled images: those of another compiler or runtime would not load. */
export function simulatedImages(): string {
  return join(cacheFolder, `images-${basename(simulatedLibraries().nvrtc, '.so')}`);
}

/** When the work of a stream runs: only where the host waits or asks, at once, or on a thread of each stream. */
export type WorkMode = 'late' | 'eager' | 'threaded';

export interface SimulatedOptions {
  /** Bytes of memory; 4 GiB unless given. */
  readonly memory?: number;
  /** `late` unless given: it shows a missing wait every time. */
  readonly mode?: WorkMode;
  /** Compute capability; 110 unless given, for which the package brings no compiled kernels. */
  readonly architecture?: number;
  /** Algorithms that the product library proposes at most; 1 unless given, and none is tried then. */
  readonly algorithms?: number;
}

export interface LiveObjects {
  readonly allocations: number;
  readonly pinned: number;
  readonly streams: number;
  readonly events: number;
  readonly graphs: number;
  readonly modules: number;
  /** Handles, descriptions, layouts and preferences of the product library. */
  readonly descriptors: number;
}

/** What a test does to the simulated device beside using it. */
export interface SimulatedControl {
  /** @throws Error while the device is open */
  configure(options?: SimulatedOptions): void;
  /** Makes the n-th call from now (counted from 1) of a function give a status. */
  plant(name: string, failure: { readonly nth?: number; readonly status: number }): void;
  /** How often a function was called since the failures were forgotten. */
  calls(name: string): number;
  forgetCalls(): void;
  liveObjects(): LiveObjects;
  setOrder(order: ThreadOrder): void;
}

const modes: Readonly<Record<WorkMode, number>> = { late: 0, eager: 1, threaded: 2 };

let libraries: SimulatedLibraries | undefined;
let control: SimulatedControl | undefined;

/** The libraries, built where they are not there yet. @throws Error with the compiler's message */
export function simulatedLibraries(): SimulatedLibraries {
  libraries ??= build();
  return libraries;
}

export function simulatedControl(): SimulatedControl {
  control ??= loadControl();
  return control;
}

function build(): SimulatedLibraries {
  const runtime = runtimeLibrary();
  const flags = ['-O1'];
  const driver = compileHost({
    name: 'libcuda',
    text: simulatorText('cuda.cpp'),
    includes: ['cudaStatus.hpp', 'simulatedFailures.hpp', 'simulatedQueue.hpp'],
    libraries: [runtime],
    flags,
  });
  const places = {
    PEFT_SHIM: simulatorPath('hostShim.hpp'),
    PEFT_CACHE: cacheFolder,
    PEFT_RUNTIME: runtime.slice(cacheFolder.length),
    PEFT_FLAGS: [...standardFlags, ...kernelFlags, '-shared'].join(' '),
  };
  const nvrtc = compileHost({
    name: 'libnvrtc',
    text: simulatorText('nvrtc.cpp'),
    includes: ['simulatedFailures.hpp', 'hostShim.hpp'],
    libraries: [runtime],
    flags: [...flags, ...Object.entries(places).map(([name, value]) => `-D${name}=${JSON.stringify(value)}`)],
  });
  const cublasLt = compileHost({
    name: 'libcublasLt',
    text: simulatorText('cublasLt.cpp'),
    includes: ['hostProducts.hpp', 'simulatedFailures.hpp'],
    libraries: [runtime, driver],
    flags,
  });
  return { driver, nvrtc, cublasLt };
}

function loadControl(): SimulatedControl {
  const { driver, cublasLt } = simulatedLibraries();
  const runtime = hostRuntime();
  const runtimeFunction = functionsOf(runtime.path);
  const driverFunction = functionsOf(driver);
  const productFunction = functionsOf(cublasLt);
  const plant = runtimeFunction('peftPlant', 'void', ['str', 'int', 'int']);
  const calls = runtimeFunction('peftCalls', 'uint64', ['str']);
  const forgetCalls = runtimeFunction('peftForgetCalls', 'void', []);
  const configure = driverFunction('peftConfigureDevice', 'int', ['uint64', 'int', 'int']);
  const liveObjects = driverFunction('peftLiveObjects', 'void', ['void*']);
  const liveDescriptors = productFunction('peftLiveDescriptors', 'uint', []);
  const setProposals = productFunction('peftSetProposals', 'void', ['int']);
  return {
    configure({ memory = 2 ** 32, mode = 'late', architecture = 110, algorithms = 1 } = {}) {
      if (configure(memory, modes[mode], architecture) !== 0) throw new Error('the simulated device is still open.');
      setProposals(algorithms);
      forgetCalls();
    },
    plant: (name, { nth = 1, status }) => void plant(name, nth, status),
    calls: (name) => Number(calls(name)),
    forgetCalls: () => void forgetCalls(),
    liveObjects() {
      const counts = new Uint32Array(6);
      liveObjects(counts);
      const [allocations = 0, pinned = 0, streams = 0, events = 0, graphs = 0, modules = 0] = counts;
      return { allocations, pinned, streams, events, graphs, modules, descriptors: liveDescriptors() };
    },
    setOrder: (order) => runtime.setOrder(order),
  };
}

type Native = (...given: readonly unknown[]) => number;

// koffi unloads a library whose handle is collected.
const handles: LibraryHandle[] = [];

function functionsOf(path: string): (name: string, result: string, parameters: readonly string[]) => Native {
  const handle = koffi.load(path);
  handles.push(handle);
  return (name, result, parameters) => handle.func(name, result, [...parameters]) as unknown as Native;
}
