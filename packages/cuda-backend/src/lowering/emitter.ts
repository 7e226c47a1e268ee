import type { TypedArray } from '@peft/graph';
import type { DeviceDescription } from '../device/driver.ts';
import type { ClearCommand, CopyCommand, KernelCommand } from '../plan/command.ts';
import type { Operand } from '../plan/operand.ts';
import type { Storage } from '../plan/storage.ts';

/** How exact products are: float32 alone, float32 rounded to tf32 in products, or activations and weights in bf16. */
export type Precision = 'float32' | 'tf32' | 'bf16';

/** A product as a row asks for it; strides follow from the operands. */
export interface ProductCall {
  readonly a: Operand;
  readonly b: Operand;
  readonly c: Operand;
  readonly transposeA?: boolean;
  readonly transposeB?: boolean;
  readonly alpha?: number;
  /** Whether the product is added to what c holds. */
  readonly accumulate?: boolean;
  /** Of c's shape: what the product is added to instead. */
  readonly addend?: Operand;
  readonly bias?: Operand;
  /** Nothing in the step multiplies the result again: it may wait, and be made together with others like it. */
  readonly canWait?: boolean;
}

/** Where the row of an operation writes its commands, in the order in which they run. */
export interface Emitter {
  readonly device: DeviceDescription;
  readonly precision: Precision;
  kernel(command: Omit<KernelCommand, 'kind'>): void;
  /**
   * c = a b for operands of rank 2 or more, leading axes a batch (an operand of rank 2 is shared by all of it). Operands
   * are brought to one storage as the precision wants; runs on the product library or on kernels of this package.
   */
  product(call: ProductCall): void;
  clear(operand: ClearCommand['operand']): void;
  copy(from: CopyCommand['from'], to: CopyCommand['to']): void;
  /** Memory of this node alone. */
  scratch(shape: readonly number[], storage: Storage): Operand;
  /** Numbers of the plan itself, f32, i32 or u8 by their array. */
  constant(data: TypedArray, shape: readonly number[]): Operand;
  /** The operand itself where it lies so already; else a converted copy, made once for all nodes. */
  stored(operand: Operand, storage: Storage): Operand;
}
