import type { Address } from '../../src/device/driver.ts';
import { type Field, parameterBlock } from '../../src/device/parameterBlock.ts';
import type { Matrix, Product } from '../../src/device/products.ts';
import { storageTags } from '../../src/plan/storage.ts';
import { hostRuntime } from './hostRuntime.ts';

export interface HostProductAddresses {
  readonly a: Address;
  readonly b: Address;
  readonly c: Address;
  /** c unless given. */
  readonly addend?: Address;
  readonly bias?: Address;
}

/** A product by loops, sums in f32. */
export function multiplyOnHost(product: Product, { a, b, c, addend = c, bias = 0n }: HostProductAddresses): void {
  const { rows, columns, inner, batch, alpha, accumulate, tf32 } = product;
  const sizes = [rows, columns, inner, batch].map((value): Field => ({ type: 'i64', value }));
  const { bytes } = parameterBlock([
    ...sizes,
    ...fieldsOf(product.a),
    ...fieldsOf(product.b),
    ...fieldsOf({ ...product.c, transposed: false }),
    { type: 'f32', value: alpha },
    { type: 'f32', value: Number(accumulate) },
    { type: 'i32', value: storageTags[product.bias ?? 'f32'] },
    { type: 'i32', value: Number(tf32) },
  ]);
  hostRuntime().product(bytes, [a, b, c, addend, bias]);
}

function fieldsOf({ rowStride, batchStride, storage, transposed }: Matrix & { readonly transposed: boolean }): Field[] {
  if (storage !== 'f32' && storage !== 'bf16') throw new Error(`no product reads or writes ${storage}.`);
  return [
    { type: 'i64', value: rowStride },
    { type: 'i64', value: batchStride },
    { type: 'i32', value: storageTags[storage] },
    { type: 'i32', value: Number(transposed) },
  ];
}
