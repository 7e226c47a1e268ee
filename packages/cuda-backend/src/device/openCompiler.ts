import { CudaError } from '../cudaError.ts';
import type { Compiler } from './compiler.ts';
import { findLibrary, isFound, type LibraryReport } from './findLibrary.ts';
import { loadKoffi } from './loadKoffi.ts';
import { findFunctions } from './native/nativeFunctions.ts';
import { nvrtcCompiler } from './nvrtcCompiler.ts';
import { nvrtcSignatures } from './nvrtcFunctions.ts';

export interface CompilerOptions {
  /** File of NVRTC; searched for unless given. */
  readonly library?: string;
  /** Highest major version of CUDA that the driver serves. */
  readonly cudaMajor?: number;
}

/**
 * Finds NVRTC. Without it there is no compiler, and the report says where it was looked for.
 *
 * @throws CudaError `cuda/compiler` for one that lacks functions or does not answer
 */
export async function openCompiler({ library, cudaMajor }: CompilerOptions = {}): Promise<{
  readonly compiler: Compiler | undefined;
  readonly library: LibraryReport;
}> {
  const koffi = await loadKoffi();
  const found = findLibrary({ kind: 'nvrtc', path: library, cudaMajor }, koffi.load);
  if (!isFound(found)) return { compiler: undefined, library: found };
  const { functions, missing } = findFunctions(found.handle, nvrtcSignatures);
  if (missing.length > 0) {
    throw new CudaError(
      'cuda/compiler',
      `the NVRTC at ${found.path} lacks ${missing.join(', ')}; install one of CUDA 12 or later.`,
    );
  }
  return { compiler: nvrtcCompiler(functions), library: found };
}
