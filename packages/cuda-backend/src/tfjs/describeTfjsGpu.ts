import { type CudaFacts, cudaFacts } from './cudaFacts.ts';
import type { TfjsPackage } from './installedPackage.ts';
import type { LoadedTfjs } from './loadTfjsNode.ts';
import type { TfjsMachine } from './tfjsMachine.ts';
import { wantedByPackage } from './wantedByPackage.ts';
import type { WantedCuda } from './wantedCuda.ts';

/** The TensorFlow that computes for tfjs. */
export interface TfjsGpu {
  /** The package that brought it; its version and folder where it was found by name. */
  readonly package: { readonly name: TfjsPackage; readonly version?: string; readonly folder?: string };
  /** Version of TensorFlow's library. */
  readonly tensorflow: string;
  /** Whether it computes on a GPU: TensorFlow says so, and a product there agreed with the host's. */
  readonly usesGpu: boolean;
  /** Norm of that product's error over its norm. */
  readonly productError: number;
  /** CUDA and cuDNN that it was built with, and the libraries that it opens; undefined for one built without CUDA. */
  readonly wanted: WantedCuda | undefined;
  /** The driver, CUDA and cuDNN that the loader finds. */
  readonly found: CudaFacts;
}

export function describeTfjsGpu(
  machine: TfjsMachine,
  { name, installed, backend }: LoadedTfjs,
  productError: number,
): TfjsGpu {
  const tensorflow = backend.binding.TF_Version;
  const built = installed?.built;
  const wanted = wantedByPackage(machine, tensorflow, { name, built });
  return {
    package: { name, ...(installed && { version: installed.version, folder: installed.folder }) },
    tensorflow,
    usesGpu: backend.isUsingGpuDevice,
    productError,
    wanted,
    found: cudaFacts(machine, wanted?.libraries ?? [], built?.folders),
  };
}
