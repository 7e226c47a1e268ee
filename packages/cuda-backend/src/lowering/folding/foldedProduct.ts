import type { Node, Value } from '@peft/graph';
import { columnsOf, type Operand, viewOf } from '../../plan/operand.ts';
import type { Emitter } from '../emitter.ts';
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
  /** Of all its numbers. */
  readonly shape: readonly number[];
  /** Which columns of the matrix are meant; all unless given. */
  readonly columns?: { readonly first: number; readonly count: number };
}

export function foldedProductOf(
  node: Extract<Node, { op: 'BatchMatMul' | 'PeftMatMul' }>,
  label: string,
): FoldedProduct {
  const [a, b] = node.inputs.map((value) => ({ value, shape: value.shape })) as [Factor, Factor];
  const output = node.outputs[0] as Value;
  return { label, a, b, ...node.attributes, shape: output.shape, alpha: 1, output };
}

export function stepOfProduct(product: FoldedProduct, canWait: boolean): Step {
  const { label, addend, shape, output } = product;
  return {
    label,
    inputs: inputsOf(product),
    outputs: [output],
    lower: ({ inputs, outputs, emit }) => {
      emitFolded(product, { inputs, c: viewOf(outputs[0] as Operand, shape), emit, canWait });
    },
    ...(addend ? { inPlace: [2] } : {}),
  };
}

/** Products side by side in one matrix: what would be joined by columns. */
export function stepOfParts(products: readonly FoldedProduct[], output: Value): Step {
  return {
    label: products.map(({ label }) => label).join(', '),
    inputs: products.flatMap(inputsOf),
    outputs: [output],
    lower: ({ inputs, outputs, emit }) => {
      let [first, read] = [0, 0];
      for (const product of products) {
        const count = product.shape.at(-1) as number;
        const given = inputs.slice(read, read + inputsOf(product).length);
        emitFolded(product, { inputs: given, c: columnsOf(outputs[0] as Operand, first, count), emit, canWait: false });
        first += count;
        read += given.length;
      }
    },
  };
}

function inputsOf({ a, b, addend, bias }: FoldedProduct): readonly Value[] {
  return [a.value, b.value, ...(addend ? [addend] : []), ...(bias ? [bias] : [])];
}

interface Operands {
  readonly inputs: readonly Operand[];
  readonly c: Operand;
  readonly emit: Emitter;
  readonly canWait: boolean;
}

function emitFolded(product: FoldedProduct, { inputs, c, emit, canWait }: Operands): void {
  const { a, b, shape, alpha, transposeA, transposeB, bias, addend } = product;
  const [left, right, ...rest] = inputs as readonly [Operand, Operand, ...Operand[]];
  const added = addend && rest[0];
  const row = bias && rest[addend ? 1 : 0];
  emit.product({
    a: matrixOf(left, a),
    b: matrixOf(right, b),
    c,
    transposeA,
    transposeB,
    alpha,
    canWait,
    ...(added ? { addend: viewOf(added, shape) } : {}),
    ...(row ? { bias: viewOf(row, [shape.at(-1) as number]) } : {}),
  });
}

function matrixOf(operand: Operand, { shape, columns }: Factor): Operand {
  const matrix = viewOf(operand, shape);
  return columns ? columnsOf(matrix, columns.first, columns.count) : matrix;
}
