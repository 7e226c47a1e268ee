import { versionText } from '../device/describeDevice.ts';
import { libraryNames } from '../device/libraryNames.ts';
import type { TfjsMachine } from './tfjsMachine.ts';

/** What of NVIDIA's software the loader finds. */
export interface CudaFacts {
  readonly driver: DriverFacts;
  /** Version of the runtime library, such as `12.5`, where it was found. */
  readonly cuda: string | undefined;
  /** Version of cuDNN, such as `9.3.0`, where it was found. */
  readonly cudnn: string | undefined;
  /** Libraries that TensorFlow wants and the loader does not find. */
  readonly missing: readonly string[];
}

export interface DriverFacts {
  /** Version of the kernel's module, such as `580.65.06`; undefined where there is none, and on Windows. */
  readonly version: string | undefined;
  /** Highest CUDA version that the driver's library runs, such as `13.0`; undefined where it does not load. */
  readonly cuda: string | undefined;
}

/** @param folders where the addon looks before the loader's own path */
export function cudaFacts(machine: TfjsMachine, wanted: readonly string[], folders: readonly string[] = []): CudaFacts {
  const open = (name: string) => {
    const paths = folders.map((folder) => machine.join(folder, name)).filter(machine.exists);
    return paths.map(machine.open).find((library) => library !== undefined) ?? machine.open(name);
  };
  const found = wanted.map((name) => [name, open(name)] as const);
  const named = (part: string) => found.find(([name]) => name.includes(part))?.[1];
  const cuda = named('cudart')?.version('cudaRuntimeGetVersion', 'pointer');
  const cudnn = named('cudnn')?.version('cudnnGetVersion', 'result');
  return {
    driver: driverFacts(machine),
    cuda: cuda === undefined ? undefined : versionText(cuda),
    cudnn: cudnn === undefined ? undefined : cudnnText(cudnn),
    missing: found.filter(([, library]) => !library).map(([name]) => name),
  };
}

export function driverFacts(machine: TfjsMachine): DriverFacts {
  const version = machine.read('/proc/driver/nvidia/version')?.match(/\b\d{3}\.\d+(?:\.\d+)?\b/)?.[0];
  const [library] = libraryNames('driver', machine.platform, 0);
  const cuda = library && machine.open(library)?.version('cuDriverGetVersion', 'pointer');
  return { version, cuda: cuda ? versionText(cuda) : undefined };
}

// 8100 is 8.1.0; from 9 on, 90300 is 9.3.0.
function cudnnText(version: number): string {
  const major = version >= 90_000 ? 10_000 : 1_000;
  return [Math.floor(version / major), Math.floor((version % major) / 100), version % 100].join('.');
}
