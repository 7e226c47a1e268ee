import { CudaError } from '../cudaError.ts';
import { type CublasLtOptions, cublasLt } from './cublasLt/cublasLt.ts';
import { cublasLtSignatures } from './cublasLt/cublasLtFunctions.ts';
import { findLibrary, isFound, type LibraryReport } from './findLibrary.ts';
import { loadKoffi } from './loadKoffi.ts';
import { findFunctions } from './native/nativeFunctions.ts';
import type { ProductLibrary } from './products.ts';

export interface ProductsOptions extends CublasLtOptions {
  /** File of cuBLASLt; searched for unless given. */
  readonly library?: string;
}

/**
 * Finds cuBLASLt and starts it on the driver's device. Without it products run on kernels of this package, and the report
 * says where it was looked for.
 *
 * @throws CudaError `cuda/product` for one that lacks functions or does not start
 */
export async function openProducts({ library, ...options }: ProductsOptions): Promise<{
  readonly products: ProductLibrary | undefined;
  readonly library: LibraryReport;
}> {
  const koffi = await loadKoffi();
  const cudaMajor = Math.floor(options.driver.device.driverVersion / 1000);
  const found = findLibrary({ kind: 'cublasLt', path: library, cudaMajor }, koffi.load);
  if (!isFound(found)) return { products: undefined, library: found };
  const { functions, missing } = findFunctions(found.handle, cublasLtSignatures);
  if (missing.length > 0) {
    throw new CudaError(
      'cuda/product',
      `the cuBLASLt at ${found.path} lacks ${missing.join(', ')}; install one of CUDA 12 or later.`,
    );
  }
  return { products: cublasLt(functions, options), library: found };
}
