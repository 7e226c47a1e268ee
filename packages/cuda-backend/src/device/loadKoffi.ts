import type * as Koffi from 'koffi';
import { CudaError } from '../cudaError.ts';

/** The module that calls native libraries. */
export type KoffiModule = (typeof Koffi)['default'];

/** @throws CudaError `cuda/koffi` where the module does not load */
export async function loadKoffi(): Promise<KoffiModule> {
  try {
    return (await import('koffi')).default;
  } catch (cause) {
    throw new CudaError(
      'cuda/koffi',
      `koffi, which calls the libraries of CUDA, does not load: ${(cause as Error).message}; install it with its optional packages.`,
      { cause },
    );
  }
}
