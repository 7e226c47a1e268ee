import { CudaError } from '../../cudaError.ts';
import type { Storage } from '../../plan/storage.ts';
import type { Address } from '../driver.ts';
import type { Matrix, Product } from '../products.ts';
import type { CublasLtCalls } from './cublasLtCalls.ts';

/** What cuBLASLt knows of a product: handles of its description and of the layouts of its operands. */
export interface ProductDescriptors {
  readonly operation: bigint;
  /** cuBLASLt's a is our b and its b our a. */
  readonly a: bigint;
  readonly b: bigint;
  readonly c: bigint;
  setBias(address: Address): void;
  destroy(): void;
}

// cudaDataType_t
const dataTypes: Partial<Readonly<Record<Storage, number>>> = { f32: 0, bf16: 14 };
// cublasComputeType_t: sums in float32, with float32 operands as they are or rounded to tf32
const exactSums = 68;
const roundedToTf32 = 77;
// cublasLtMatmulDescAttributes_t
const transposeA = 3;
const transposeB = 4;
const epilogue = 7;
const biasPointer = 8;
// cublasLtMatrixLayoutAttribute_t
const batchCount = 5;
const batchOffset = 6;
// cublasLtEpilogue_t
const addBias = 4;

/**
 * Describes a product. The library counts matrices by columns, where ours by rows are their transposes: c = a b is given
 * as cᵀ = bᵀ aᵀ, the operands in the other order.
 *
 * @throws CudaError `cuda/internal` for operands that the library does not multiply
 */
export function productDescriptors(calls: CublasLtCalls, product: Product): ProductDescriptors {
  const { functions } = calls;
  const { rows, columns, inner, batch } = product;
  checkStorages(product);
  const made: (() => void)[] = [];

  const layout = (matrix: Matrix, [height, width]: readonly [number, number]): bigint => {
    const type = dataTypes[matrix.storage] as number;
    const handle = calls.make('cublasLtMatrixLayoutCreate', (cell) =>
      functions.cublasLtMatrixLayoutCreate(cell, type, width, height, matrix.rowStride),
    );
    made.push(() => functions.cublasLtMatrixLayoutDestroy(handle));
    if (batch > 1) {
      const set = (attribute: number, value: Int32Array | BigInt64Array) =>
        calls.check(
          functions.cublasLtMatrixLayoutSetAttribute(handle, attribute, value, value.byteLength),
          'cublasLtMatrixLayoutSetAttribute',
        );
      set(batchCount, Int32Array.of(batch));
      set(batchOffset, BigInt64Array.of(BigInt(matrix.batchStride)));
    }
    return handle;
  };

  const destroy = () => {
    for (const each of made.splice(0)) each();
  };
  try {
    const sums = product.tf32 && product.a.storage === 'f32' ? roundedToTf32 : exactSums;
    const operation = calls.make('cublasLtMatmulDescCreate', (cell) =>
      functions.cublasLtMatmulDescCreate(cell, sums, 0),
    );
    made.push(() => functions.cublasLtMatmulDescDestroy(operation));
    const set = (attribute: number, value: Int32Array | BigUint64Array) =>
      calls.check(
        functions.cublasLtMatmulDescSetAttribute(operation, attribute, value, value.byteLength),
        'cublasLtMatmulDescSetAttribute',
      );
    set(transposeA, Int32Array.of(Number(product.b.transposed)));
    set(transposeB, Int32Array.of(Number(product.a.transposed)));
    const setBias = (address: Address) => set(biasPointer, BigUint64Array.of(address));
    if (product.bias !== undefined) {
      set(epilogue, Int32Array.of(addBias));
      // Algorithms are proposed for the alignment of the address, which no run uses.
      setBias(4096n);
    }
    return {
      operation,
      a: layout(product.b, product.b.transposed ? [columns, inner] : [inner, columns]),
      b: layout(product.a, product.a.transposed ? [inner, rows] : [rows, inner]),
      c: layout(product.c, [rows, columns]),
      setBias,
      destroy,
    };
  } catch (error) {
    destroy();
    throw error;
  }
}

function checkStorages({ a, b, c, bias }: Product): void {
  const areMatrices = [a, b, c].every(({ storage }) => dataTypes[storage] !== undefined);
  const isWidening = c.storage === 'f32' || a.storage === 'bf16';
  if (areMatrices && a.storage === b.storage && isWidening && (bias === undefined || bias === c.storage)) return;
  throw new CudaError(
    'cuda/internal',
    `internal: no product of ${a.storage} by ${b.storage} gives ${c.storage}${bias ? ` with a bias of ${bias}` : ''}; please report it.`,
  );
}
