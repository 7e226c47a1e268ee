import type { CudaEngine } from '../../src/cudaEngine.ts';
import type { Compiler } from '../../src/device/compiler.ts';
import { kernelImages } from '../../src/device/kernelImages.ts';
import { kernelFiles } from '../../src/device/kernelSource.ts';
import { openKernelLibrary } from '../../src/device/openKernelLibrary.ts';
import type { ProductLibrary } from '../../src/device/products.ts';
import { engineOn } from '../../src/engineOn.ts';
import { fuseSteps } from '../../src/fusion/fuseSteps.ts';
import type { Precision } from '../../src/lowering/emitter.ts';
import { planGraph } from '../../src/plan/planGraph.ts';
import { EngineDevice } from '../../src/program/engineDevice.ts';
import type { RecordedLaunch } from './moduleFunctions.ts';
import { type RecordedDriver, recordedDriver } from './recordedDriver.ts';

export interface RecordedEngineOptions {
  readonly precision?: Precision;
  /** Whether there is a compiler, and operations become generated kernels; false unless given. */
  readonly fuses?: boolean;
  /** Whether there is a library of products; true unless given. */
  readonly hasProducts?: boolean;
}

export interface RecordedEngine {
  readonly engine: CudaEngine;
  /** What recorded the calls, once the engine was opened. */
  readonly recorded: RecordedDriver;
  /** All text that a compiler was given for generated kernels, by their file. */
  readonly generated: ReadonlyMap<string, string>;
  /** Kernels in the order in which the device came to them. */
  readonly launches: readonly string[];
  /** What its programs share, once the engine was opened. */
  readonly device: EngineDevice;
}

/**
 * The whole engine on a recorded driver, the package's compiled kernels and libraries that only say what they are asked:
 * every number it computes is what was in the memory, but every call is made and judged.
 */
export function recordedEngine({
  precision = 'float32',
  fuses = false,
  hasProducts = true,
}: RecordedEngineOptions = {}): RecordedEngine {
  const launches: string[] = [];
  let device: EngineDevice | undefined;
  const recorded: RecordedDriver = recordedDriver({
    onLaunch: (launch) => {
      launches.push(launch.name);
      if (launch.name === 'commit' && !commit(launch))
        recorded.recording.problem("commit: its flag is nobody's memory");
    },
  });
  const generated = new Map<string, string>();
  const compiler: Compiler = {
    version: 'recorded',
    optionsOf: () => [],
    compile: async (text, { name }) => {
      const file = name.replace(/\.cu$/, '');
      if (!kernelFiles().includes(file)) generated.set(file, text);
      return { image: new TextEncoder().encode(text), log: '' };
    },
  };
  const engine = engineOn(async () => {
    const driver = recorded.open();
    const images = kernelImages({ device: driver.device, ...(fuses ? { compiler } : {}) });
    const products = hasProducts ? recordedProducts() : undefined;
    const kernels = openKernelLibrary(driver, images);
    await kernels.load([{ file: 'program', name: 'commit' }]);
    device = new EngineDevice({
      driver,
      kernels,
      products,
      planOf: (graph) =>
        planGraph(graph, {
          device: driver.device,
          precision,
          hasProductLibrary: hasProducts,
          ...(fuses ? { fuse: fuseSteps } : {}),
        }),
    });
    return { device, describe: () => Promise.reject(new Error('a recorded device has no description')) as never };
  });
  return {
    engine,
    recorded,
    generated,
    launches,
    get device() {
      if (device === undefined) throw new Error('the engine was not opened.');
      return device;
    },
  };
}

/** A library whose products put one thing in the stream, at the address of their result. */
function recordedProducts(): ProductLibrary {
  return {
    workspaceBytes: 1024,
    prepare: () => ({ run: (stream, { c }) => stream.clear(c, 4) }),
    close: () => undefined,
  };
}

/** Says that a run's state was kept: the program goes by it. */
function commit({ parameters, space }: RecordedLaunch): boolean {
  const flag = new DataView(parameters.buffer, parameters.byteOffset).getBigUint64(16, true);
  const place = space.find('device', flag, 4);
  place?.set([1, 0, 0, 0]);
  return place !== undefined;
}
