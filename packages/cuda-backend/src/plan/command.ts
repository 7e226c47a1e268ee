import { sizeOfField } from '../device/parameterBlock.ts';
import type { Product } from '../device/products.ts';
import type { Operand } from './operand.ts';
import type { Region } from './region.ts';

/** A kernel by the file that holds it: one of the package's own (`kernels/<file>.cu`), or a generated text. */
export interface KernelReference {
  readonly file: string;
  /** Name in the source, as `PEFT_KERNEL` declares it. */
  readonly name: string;
  /** Of a generated kernel: all text after the prelude. Equal files have equal texts. */
  readonly source?: string;
}

/** A field of a kernel's parameter struct, in the order of the struct. */
export type Argument =
  | { readonly type: 'pointer'; readonly operand: Operand; readonly access: 'read' | 'write' | 'update' }
  /** No memory: an operand that is left out. */
  | { readonly type: 'pointer'; readonly operand: undefined; readonly access: 'read' }
  | { readonly type: 'i64' | 'i32' | 'u32' | 'f32'; readonly value: number };

/** A launch of `blocks` blocks of `threads` threads in one dimension. */
export interface KernelCommand {
  readonly kind: 'kernel';
  readonly kernel: KernelReference;
  readonly blocks: number;
  readonly threads: number;
  /** Bytes of dynamic shared memory. */
  readonly sharedBytes?: number;
  readonly arguments: readonly Argument[];
  /** Any number of blocks gives the same result: they share the work in strides. Lets launches of unequal sizes be one. */
  readonly isStrided?: true;
}

/** Launches of one kernel that need nothing of each other, as one launch of its `Many` twin. */
export interface ManyCommand {
  readonly kind: 'many';
  readonly kernel: KernelReference;
  /** Of each entry. */
  readonly blocks: number;
  readonly threads: number;
  readonly sharedBytes?: number;
  /** Arguments of each launch. */
  readonly entries: readonly (readonly Argument[])[];
  /** Constant memory for the structs of the entries, which `tableOf` lays out once addresses are known. */
  readonly table: Region;
}

/** A product by the product library. */
export interface ProductCommand {
  readonly kind: 'product';
  readonly product: Product;
  readonly a: Operand;
  readonly b: Operand;
  readonly c: Operand;
  /** What is added where the product accumulates, stored and laid out as c; c itself unless given. */
  readonly addend?: Operand;
  readonly bias?: Operand;
}

export interface ClearCommand {
  readonly kind: 'clear';
  readonly operand: Operand;
}

/** Copies bytes between operands of the same size. */
export interface CopyCommand {
  readonly kind: 'copy';
  readonly from: Operand;
  readonly to: Operand;
}

/** One thing the device does; `node` says on whose behalf, for errors: `17 PeftLayerNorm`. */
export type Command = (KernelCommand | ManyCommand | ProductCommand | ClearCommand | CopyCommand) & {
  readonly node: string;
};

export const reads = (operand: Operand): Argument => ({ type: 'pointer', operand, access: 'read' });
export const writes = (operand: Operand): Argument => ({ type: 'pointer', operand, access: 'write' });
export const updates = (operand: Operand): Argument => ({ type: 'pointer', operand, access: 'update' });
export const nothing: Argument = { type: 'pointer', operand: undefined, access: 'read' };
export const i64 = (value: number): Argument => ({ type: 'i64', value });
export const i32 = (value: number): Argument => ({ type: 'i32', value });
export const u32 = (value: number): Argument => ({ type: 'u32', value });
export const f32 = (value: number): Argument => ({ type: 'f32', value });

/** Bytes of the parameter struct of a launch. */
export function structBytes(list: readonly Argument[]): number {
  const bytes = list.reduce((size, { type }) => {
    const own = sizeOfField({ type });
    return Math.ceil(size / own) * own + own;
  }, 0);
  return Math.ceil(bytes / 8) * 8;
}
