import type { Value } from '@peft/graph';
import type { ElementName } from '../lowering/elementExpressions.ts';
import type { IndexMap } from './indexMap.ts';

/** `float`, or `i32` for int32 and bool. */
export type TermType = 'float' | 'i32';

/** A number that a fused kernel has: one for every number of the result, or one for all of a row. */
export type Term = (Literal | Load | Place | Mask | Computed | Reduced | Rounded) & {
  readonly type: TermType;
  /** Whether it is one for all of a row; of a kernel without rows: one for all. */
  readonly isShared: boolean;
  /** How many sums of rows come before it. */
  readonly stage: number;
};

interface Literal {
  readonly kind: 'literal';
  readonly number: number;
}

/** A number read from memory. A shared one goes by its row. */
export interface Load {
  readonly kind: 'load';
  readonly value: Value;
  readonly map: IndexMap;
}

/** Number of the place in the tensor that is read by the map. */
interface Place {
  readonly kind: 'place';
  readonly map: IndexMap;
}

/** What dropout multiplies the number at a place by. */
export interface Mask {
  readonly kind: 'mask';
  readonly key: Value;
  readonly rate: number;
  readonly place: Term;
}

export interface Computed {
  readonly kind: 'computed';
  readonly name: ElementName;
  readonly operands: readonly Term[];
  readonly attributes: readonly number[];
}

export interface Reduced {
  readonly kind: 'reduced';
  readonly op: 'Sum' | 'Max' | 'Min';
  readonly of: Term;
}

/** A number as bf16 has it. */
export interface Rounded {
  readonly kind: 'rounded';
  readonly of: Term;
}
