import type { Node, Value } from '@peft/graph';
import { type Operand, viewOf } from '../../plan/operand.ts';
import type { Step } from '../step.ts';

/** A product and what was around it: output = alpha a b + addend + bias. */
export interface FoldedProduct {
  readonly label: string;
  readonly a: Factor;
  readonly b: Factor;
  readonly transposeA: boolean;
  readonly transposeB: boolean;
  /** What the product alone gives. */
  readonly shape: readonly number[];
  readonly alpha: number;
  /** As many numbers as the product has columns. */
  readonly bias?: Value;
  /** As many numbers as the product. */
  readonly addend?: Value;
  /** As many numbers as the product, under any shape. */
  readonly output: Value;
}

/** A value read as a matrix, or a stack of them, of its numbers. */
export interface Factor {
  readonly value: Value;
  readonly shape: readonly number[];
}

export function foldedProductOf(
  node: Extract<Node, { op: 'BatchMatMul' | 'PeftMatMul' }>,
  label: string,
): FoldedProduct {
  const [a, b] = node.inputs.map((value) => ({ value, shape: value.shape })) as [Factor, Factor];
  const output = node.outputs[0] as Value;
  return { label, a, b, ...node.attributes, shape: output.shape, alpha: 1, output };
}

export function stepOfProduct(product: FoldedProduct): Step {
  const { label, a, b, shape, alpha, transposeA, transposeB, bias, addend, output } = product;
  const optional = [...(addend ? [addend] : []), ...(bias ? [bias] : [])];
  return {
    label,
    inputs: [a.value, b.value, ...optional],
    outputs: [output],
    lower: ({ inputs, outputs, emit }) => {
      const [left, right, ...rest] = inputs as readonly [Operand, Operand, ...Operand[]];
      const added = addend && rest[0];
      const row = bias && rest.at(-1);
      emit.product({
        a: viewOf(left, a.shape),
        b: viewOf(right, b.shape),
        c: viewOf(outputs[0] as Operand, shape),
        transposeA,
        transposeB,
        alpha,
        ...(added ? { addend: viewOf(added, shape) } : {}),
        ...(row ? { bias: viewOf(row, [shape.at(-1) as number]) } : {}),
      });
    },
    ...(addend ? { inPlace: [2] } : {}),
  };
}
