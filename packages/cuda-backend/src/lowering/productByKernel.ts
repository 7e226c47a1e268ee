import { CudaError } from '../cudaError.ts';
import type { ResolvedProduct } from './emitProduct.ts';
import type { Emitter } from './emitter.ts';

/** A product on kernels of this package. */
export function productByKernel({ product }: ResolvedProduct, _emit: Emitter): void {
  const { rows, columns, inner } = product;
  throw new CudaError(
    'cuda/internal',
    `internal: no kernel multiplies [${rows}, ${inner}] by [${inner}, ${columns}]; please report it.`,
  );
}
