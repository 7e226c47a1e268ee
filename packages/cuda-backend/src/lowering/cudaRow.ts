import type { OpAttributes, OpName, TensorType } from '@peft/graph';
import type { Operand } from '../plan/operand.ts';
import type { Emitter } from './emitter.ts';

export interface LoweringCall<Attributes> {
  readonly inputs: readonly Operand[];
  readonly attributes: Attributes;
  /** Memory of the results, allocated. */
  readonly outputs: readonly Operand[];
  readonly emit: Emitter;
}

/** What is known of a node before its operands are. */
export interface PartsCall<Attributes> {
  readonly inputs: readonly TensorType[];
  readonly attributes: Attributes;
  readonly outputs: readonly TensorType[];
}

/** How one operation runs on the device. Every float operand may be f32 or bf16, each for itself; sums are kept in f32. */
export interface CudaRow<Op extends OpName> {
  /** Writes the commands that fill `outputs`. Not called for views. */
  readonly lower: (call: LoweringCall<OpAttributes[Op]>) => void;
  /** The output is the first input's memory under another shape. */
  readonly isView?: true;
  /**
   * Where every output is a run of the first input's numbers: how many lie before each. Such outputs are memory of the
   * input where they begin at a whole access, and `lower` is called where they do not.
   */
  readonly parts?: (call: PartsCall<OpAttributes[Op]>) => readonly number[] | undefined;
  /** Places of inputs over which the first output may be written: each number is read before its place is written. */
  readonly inPlace?: readonly number[];
  /** Places of inputs of which only the type counts. */
  readonly unread?: readonly number[];
  /** Outputs that must be stored as f32 whatever the precision: statistics, losses. */
  readonly exact?: readonly number[];
}

/** Rows of these operations. */
export type CudaRows<Names extends OpName> = { readonly [Op in Names]: CudaRow<Op> };
