import { CudaError } from '../../cudaError.ts';
import type { DiskCache } from '../diskCache.ts';
import type { Driver, Stream } from '../driver.ts';
import type { PreparedProduct, Product, ProductAddresses, ProductLibrary } from '../products.ts';
import { CublasLtCalls } from './cublasLtCalls.ts';
import type { CublasLtFunctions } from './cublasLtFunctions.ts';
import { fastestAlgorithm } from './fastestAlgorithm.ts';
import { isUsable, proposedAlgorithms } from './productAlgorithms.ts';
import { type ProductDescriptors, productDescriptors } from './productDescriptors.ts';

export interface CublasLtOptions {
  readonly driver: Driver;
  /** Where chosen algorithms are kept; without one every process tries anew. */
  readonly cache?: Pick<DiskCache, 'read' | 'write'>;
  /** Whether the proposed algorithms are timed on the device; else the first is taken. */
  readonly tune?: boolean;
}

/** What the library recommends for devices of the Hopper generation; smaller ones do with less. */
const workspaceBytes = 32 * 2 ** 20;
const mostProposed = 8;
/** What plans align operands to; no kernel asks for more. */
const usualAlignment = 16;

/** Products on a loaded cuBLASLt. @throws CudaError `cuda/product` where it does not start */
export function cublasLt(
  functions: CublasLtFunctions,
  { driver, cache, tune = true }: CublasLtOptions,
): ProductLibrary & { readonly version: number } {
  driver.enter();
  const calls = new CublasLtCalls(functions);
  const prepared = new Map<string, { readonly product: PreparedProduct; readonly descriptors: ProductDescriptors }>();

  function prepare(product: Product): PreparedProduct {
    const key = JSON.stringify(product);
    const known = prepared.get(key);
    if (known) return known.product;
    driver.enter();
    const descriptors = productDescriptors(calls, product);
    const run = runner(calls, product, descriptors);
    const proposed = (alignment: number, most: number) => {
      const algorithms = proposedAlgorithms(calls, { descriptors, workspaceBytes, alignment }, most);
      if (algorithms.length > 0) return algorithms;
      throw new CudaError('cuda/product', `cuBLASLt has no algorithm for ${describe(product)}; please report it.`);
    };
    const choose = (): Uint8Array => {
      if (!tune) return proposed(usualAlignment, 1)[0] as Uint8Array;
      const { name, multiprocessors } = driver.device;
      const cacheKey = ['algorithm', String(calls.version), name, String(multiprocessors), key];
      const kept = cache?.read(cacheKey);
      if (kept && isUsable(calls, { descriptors, workspaceBytes, alignment: usualAlignment }, kept)) return kept;
      const algorithms = proposed(usualAlignment, mostProposed);
      const fastest = fastestAlgorithm(algorithms, { driver, product, workspaceBytes, run });
      if (fastest === undefined)
        throw new CudaError(
          'cuda/product',
          `cuBLASLt runs none of its algorithms for ${describe(product)}; please report it.`,
        );
      cache?.write(cacheKey, fastest);
      return fastest;
    };
    try {
      const algorithms = new Map([[usualAlignment, choose()]]);
      const made: PreparedProduct = {
        run(stream, addresses) {
          const alignment = alignmentOf(addresses);
          let algorithm = algorithms.get(alignment);
          if (algorithm === undefined) {
            algorithm = proposed(alignment, 1)[0] as Uint8Array;
            algorithms.set(alignment, algorithm);
          }
          run(algorithm, stream, addresses);
        },
      };
      prepared.set(key, { product: made, descriptors });
      return made;
    } catch (error) {
      descriptors.destroy();
      throw error;
    }
  }

  return {
    version: calls.version,
    workspaceBytes,
    prepare,
    close() {
      for (const { descriptors } of prepared.values()) descriptors.destroy();
      prepared.clear();
      driver.enter();
      calls.close();
    },
  };
}

/** Runs one product with whatever algorithm. */
function runner(calls: CublasLtCalls, product: Product, descriptors: ProductDescriptors) {
  const { functions, handle } = calls;
  const alpha = Float32Array.of(product.alpha);
  const beta = Float32Array.of(product.accumulate ? 1 : 0);
  return (algorithm: Uint8Array, stream: Stream, addresses: ProductAddresses) => {
    const { a, b, c, addend = c, bias, workspace } = addresses;
    const { operation, a: layoutOfB, b: layoutOfA, c: layoutOfC } = descriptors;
    if (product.bias !== undefined && bias !== undefined) descriptors.setBias(bias);
    const status = functions.cublasLtMatmul(
      handle,
      operation,
      alpha,
      b,
      layoutOfB,
      a,
      layoutOfA,
      beta,
      addend,
      layoutOfC,
      c,
      layoutOfC,
      algorithm,
      workspace,
      workspaceBytes,
      stream.handle,
    );
    if (status !== 0) calls.check(status, `cublasLtMatmul of ${describe(product)}`);
  };
}

/** The largest power of two, up to the usual alignment, that divides all addresses of operands. */
function alignmentOf({ a, b, c, addend = 0n, bias = 0n }: ProductAddresses): number {
  const bits = Number((a | b | c | addend | bias) & BigInt(usualAlignment - 1));
  return bits === 0 ? usualAlignment : bits & -bits;
}

function describe({ rows, columns, inner, batch, a, b, c }: Product): string {
  const left = `${a.storage} [${rows}, ${inner}]${a.transposed ? ' transposed' : ''}`;
  const right = `${b.storage} [${inner}, ${columns}]${b.transposed ? ' transposed' : ''}`;
  return `${batch > 1 ? `${batch} products of ` : ''}${left} by ${right} to ${c.storage}`;
}
