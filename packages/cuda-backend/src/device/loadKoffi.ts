import type * as Koffi from 'koffi';
import { CudaError } from '../cudaError.ts';

/** The module that calls native libraries. */
export type KoffiModule = (typeof Koffi)['default'];

// What @peft/onnx-backend needs of the same module for its calls; it cannot grow once a library is loaded.
const asyncStackBytes = 1 << 20;

/** @throws CudaError `cuda/koffi` where the module does not load */
export async function loadKoffi(): Promise<KoffiModule> {
  try {
    const { default: koffi } = await import('koffi');
    growStack(koffi);
    return koffi;
  } catch (cause) {
    throw new CudaError(
      'cuda/koffi',
      `koffi, which calls the libraries of CUDA, does not load: ${(cause as Error).message}; install it with its optional packages.`,
      { cause },
    );
  }
}

function growStack(koffi: KoffiModule): void {
  if ((koffi.config().async_stack_size ?? 0) >= asyncStackBytes) return;
  try {
    koffi.config({ async_stack_size: asyncStackBytes });
  } catch {
    // The program loaded a library before.
  }
}
