import { CudaError } from '../cudaError.ts';

/** Frees something; on a device that was lost nothing can be freed, and nothing has to be. */
export function quietly(free: () => void): void {
  try {
    free();
  } catch (error) {
    if (!(error instanceof CudaError && error.code === 'cuda/context-lost')) throw error;
  }
}
