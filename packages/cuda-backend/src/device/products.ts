import type { Storage } from '../plan/storage.ts';
import type { Address, Stream } from './driver.ts';

/** One operand of a product, rows of numbers in row-major order. */
export interface Matrix {
  readonly storage: Storage;
  /** Numbers from one row to the next. */
  readonly rowStride: number;
  /** Numbers from one matrix of the batch to the next; 0 for one that all share. */
  readonly batchStride: number;
}

/** c = alpha a b (+ addend) (+ bias): a is [rows, inner], or [inner, rows] when transposed; b [inner, columns]; c [rows, columns]. */
export interface Product {
  readonly rows: number;
  readonly columns: number;
  readonly inner: number;
  readonly batch: number;
  readonly a: Matrix & { readonly transposed: boolean };
  readonly b: Matrix & { readonly transposed: boolean };
  readonly c: Matrix;
  /** Multiplies the product. */
  readonly alpha: number;
  /** Whether an addend is added, stored and laid out as c: c itself unless it has an address of its own. */
  readonly accumulate: boolean;
  /** Storage of a row of [columns] added to every row of the result. */
  readonly bias?: Storage;
  /** Whether float32 operands may be rounded to tf32. */
  readonly tf32: boolean;
}

export interface ProductAddresses {
  readonly a: Address;
  readonly b: Address;
  readonly c: Address;
  /** What is added where the product accumulates; c unless given. */
  readonly addend?: Address;
  readonly bias?: Address;
  readonly workspace: Address;
}

/** A product whose algorithm is chosen. */
export interface PreparedProduct {
  run(stream: Stream, addresses: ProductAddresses): void;
}

/** A library of products: cuBLASLt. */
export interface ProductLibrary {
  /** Bytes of scratch memory that every product may use. */
  readonly workspaceBytes: number;
  prepare(product: Product): PreparedProduct;
  close(): void;
}
