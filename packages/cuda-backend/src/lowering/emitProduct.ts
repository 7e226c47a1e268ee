import { sizeOf } from '@peft/core';
import type { Product } from '../device/products.ts';
import type { ProductCommand } from '../plan/command.ts';
import { mostGroupedBytes } from '../plan/groupLaunches.ts';
import { type Operand, spanOf, viewOf } from '../plan/operand.ts';
import { bytesPerNumber, type Storage } from '../plan/storage.ts';
import type { Emitter, ProductCall } from './emitter.ts';
import { productByKernel } from './productByKernel.ts';

interface Means {
  readonly emit: Emitter;
  readonly run: (command: ProductCommand) => void;
  readonly hasLibrary: boolean;
}

/** Widest side of products that are worth joining: more fill the device alone. */
const skinny = 64;

/**
 * Writes a product as commands of the library, where there is one, its operands in one storage. Small ones that may wait
 * run on own kernels, of which many can be one launch; so do sums of no products, which the library does not make.
 */
export function emitProduct(call: ProductCall, { emit, run, hasLibrary }: Means): void {
  if (sizeOf(call.c.shape) === 0) return;
  for (const { product, ...operands } of resolveProducts(call, emit)) {
    const isSkinny = Math.min(product.rows, product.columns) <= skinny;
    const bytes = [operands.a, operands.b, operands.c].reduce((sum, each) => sum + spanOf(each), 0);
    if (!hasLibrary || product.inner === 0 || (call.canWait && isSkinny && bytes <= mostGroupedBytes)) {
      productByKernel({ product, ...operands }, emit);
    } else run({ kind: 'product', product, ...operands });
  }
}

/** A product with all its sizes and strides known: what a ProductCommand says. */
export type ResolvedProduct = Omit<ProductCommand, 'kind'>;

/** One product where strides can say which matrices meet, else several. */
export function resolveProducts(
  call: ProductCall,
  emit: Pick<Emitter, 'stored' | 'precision'>,
): readonly ResolvedProduct[] {
  const { transposeA = false, transposeB = false, c } = call;
  const storage = storageOfProduct(call.a, call.b);
  const [a, b] = [call.a, call.b].map((each) => emit.stored(each, storage)) as [Operand, Operand];
  const bias = call.bias && emit.stored(call.bias, c.storage);
  const addend = call.addend && emit.stored(call.addend, c.storage);
  const [rowsOfA, columnsOfA] = a.shape.slice(-2) as [number, number];
  const [rowsOfB, columnsOfB] = b.shape.slice(-2) as [number, number];
  const sizes = {
    rows: transposeA ? columnsOfA : rowsOfA,
    columns: transposeB ? rowsOfB : columnsOfB,
    inner: transposeA ? rowsOfA : columnsOfA,
  };
  const made = (batch: number, strides: readonly [number, number]): Product => ({
    ...sizes,
    batch,
    a: { storage, rowStride: a.rowStride ?? columnsOfA, batchStride: strides[0], transposed: transposeA },
    b: { storage, rowStride: b.rowStride ?? columnsOfB, batchStride: strides[1], transposed: transposeB },
    c: {
      storage: c.storage,
      rowStride: c.rowStride ?? sizes.columns,
      batchStride: batch === 1 ? 0 : sizes.rows * sizes.columns,
    },
    alpha: call.alpha ?? 1,
    accumulate: call.accumulate === true || addend !== undefined,
    ...(bias ? { bias: bias.storage } : {}),
    tf32: emit.precision === 'tf32',
  });
  const operands = { a, b, c, ...(addend ? { addend } : {}), ...(bias ? { bias } : {}) };
  const [batchOfA, batchOfB] = [sizeOf(a.shape.slice(0, -2)), sizeOf(b.shape.slice(0, -2))];
  // A stack of matrices by one matrix is one taller matrix.
  if (batchOfB === 1 && !transposeA) {
    const tall = made(1, [0, 0]);
    return [{ product: { ...tall, rows: batchOfA * sizes.rows }, ...operands }];
  }
  const [strideOfA, strideOfB] = [rowsOfA * columnsOfA, rowsOfB * columnsOfB];
  const areAligned = batchOfA === 1 || batchOfB === 1 || `${a.shape.slice(0, -2)}` === `${b.shape.slice(0, -2)}`;
  if (areAligned) {
    const batch = Math.max(batchOfA, batchOfB);
    return [{ product: made(batch, [batchOfA === 1 ? 0 : strideOfA, batchOfB === 1 ? 0 : strideOfB]), ...operands }];
  }
  const batchShape = c.shape.slice(0, -2);
  return Array.from({ length: sizeOf(batchShape) }, (_, index) => ({
    product: made(1, [0, 0]),
    ...operands,
    a: matrixOf(a, placeOf(index, batchShape, a.shape.slice(0, -2))),
    b: matrixOf(b, placeOf(index, batchShape, b.shape.slice(0, -2))),
    c: matrixOf(c, index),
    ...(addend ? { addend: matrixOf(addend, index) } : {}),
  }));
}

/** bf16 where one operand is: what lies in f32 beside it is rounded; two of f32 are multiplied as they are. */
function storageOfProduct(a: Operand, b: Operand): Storage {
  return a.storage === 'bf16' || b.storage === 'bf16' ? 'bf16' : 'f32';
}

/** Matrix number `index` of a stack. */
function matrixOf(operand: Operand, index: number): Operand {
  const matrix = operand.shape.slice(-2);
  return viewOf(operand, matrix, index * sizeOf(matrix) * bytesPerNumber(operand.storage));
}

/** Where element `index` of a shape reads an operand that is repeated along it. */
function placeOf(index: number, shape: readonly number[], operand: readonly number[]): number {
  let [place, stride, rest] = [0, 1, index];
  for (let axis = shape.length - 1; axis >= 0; axis--) {
    const length = operand[axis - shape.length + operand.length] ?? 1;
    const at = rest % (shape[axis] as number);
    rest = Math.floor(rest / (shape[axis] as number));
    if (length > 1) place += at * stride;
    stride *= length;
  }
  return place;
}
