import { readFileSync } from 'node:fs';
import { expect, it } from 'vitest';
import { GraphError } from '../graphError.ts';
import type { DType, TensorType } from '../tensorType.ts';
import type { OpAttributes, OpName } from './opAttributes.ts';
import { opTable, rowOf } from './opTable.ts';

const type = (shape: readonly number[], dtype: DType = 'float32'): TensorType => ({ shape, dtype });
const row = type([3]);
const matrix = type([2, 3]);

interface Refusal<Op extends OpName> {
  readonly op: Op;
  readonly inputs: readonly TensorType[];
  readonly attributes: OpAttributes[Op];
  readonly message: string;
}

const refusal = <Op extends OpName>(each: Refusal<Op>): Refusal<OpName> => each as unknown as Refusal<OpName>;

const adamw = { beta1: 0.9, beta2: 0.9, epsilon: 0, weightDecay: 0 };
const flags = { transposeA: true, transposeB: false };

it.each([
  refusal({
    op: 'Add',
    inputs: [matrix, type([2])],
    attributes: {},
    message: 'shapes [2,3] and [2] do not broadcast; make their axes equal or 1.',
  }),
  refusal({
    op: 'Add',
    inputs: [row, type([3], 'int32')],
    attributes: {},
    message: 'the operands are float32 and int32; cast one to the other.',
  }),
  refusal({
    op: 'Exp',
    inputs: [type([3], 'bool')],
    attributes: {},
    message: 'an input is bool, which must be float32; cast it.',
  }),
  refusal({
    op: 'Mean',
    inputs: [type([3], 'int32')],
    attributes: { axis: [0], keepDims: false },
    message: 'an input is int32, which must be float32; cast it.',
  }),
  refusal({
    op: 'Relu',
    inputs: [type([3], 'bool')],
    attributes: {},
    message: 'an input is bool, which must be float32 or int32; cast it.',
  }),
  refusal({
    op: 'Reshape',
    inputs: [matrix],
    attributes: { shape: [4] },
    message: '[2,3] cannot become [4], which has another number of values.',
  }),
  refusal({
    op: 'Slice',
    inputs: [matrix],
    attributes: { begin: [1, 0], size: [2, 3] },
    message: 'a slice of [2,3] from [1,0] leaves the tensor [2,3].',
  }),
  refusal({ op: 'AddN', inputs: [matrix, row], attributes: {}, message: '[2,3] and [3] have unequal shapes.' }),
  refusal({
    op: 'Concat',
    inputs: [matrix, type([2, 4])],
    attributes: { axis: 0 },
    message: '[2,3] and [2,4] differ beyond axis 0.',
  }),
  refusal({
    op: 'Select',
    inputs: [type([2], 'bool'), matrix, row],
    attributes: {},
    message: 'a condition [2] cannot choose between float32 [2,3] and float32 [3].',
  }),
  refusal({
    op: 'BatchMatMul',
    inputs: [matrix, matrix],
    attributes: { transposeA: false, transposeB: false },
    message: '[2,3] cannot multiply [2,3]: the inner sizes differ.',
  }),
  refusal({
    op: 'PeftMatMul',
    inputs: [matrix, row],
    attributes: flags,
    message: '[3,2] cannot multiply [3]: the inner sizes differ.',
  }),
  refusal({
    op: 'Softmax',
    inputs: [matrix],
    attributes: { dim: 0 },
    message: 'a softmax runs along the last axis, not axis 0 of [2,3].',
  }),
  refusal({
    op: 'PeftGeluGrad',
    inputs: [matrix, row, matrix],
    attributes: {},
    message: '[2,3] and [3] have unequal shapes.',
  }),
  refusal({
    op: 'PeftLayerNorm',
    inputs: [matrix, row, type([2])],
    attributes: { epsilon: 1 },
    message: 'a norm of [2,3] needs vectors of [3], got [2].',
  }),
  refusal({
    op: 'PeftSoftmaxCrossEntropy',
    inputs: [matrix, type([3], 'int32')],
    attributes: { ignore: 0 },
    message: 'logits [2,3] need one label a row, got labels [3]; fold both to rows.',
  }),
  refusal({
    op: 'PeftDropout',
    inputs: [matrix, type([2])],
    attributes: { rate: 0.5 },
    message: 'dropout needs an int32 key of shape [2], got float32 [2].',
  }),
  refusal({
    op: 'PeftAdamW',
    inputs: [matrix, row, matrix, matrix],
    attributes: adamw,
    message: 'a parameter [2,3] cannot be updated by [3].',
  }),
  refusal({
    op: 'PeftGather',
    inputs: [matrix, type([2, 2], 'int32')],
    attributes: { rows: 2 },
    message: 'rows are looked up by one axis of ids, got [2,2]; fold them.',
  }),
  refusal({
    op: 'PeftAttention',
    inputs: [matrix, type([4, 2]), type([4, 2])],
    attributes: { scale: 1, causal: false },
    message:
      'attention takes [..., queries, size], [..., keys, size], [..., keys, width] and a mask of the scores, got [2,3], [4,2], [4,2].',
  }),
  refusal({
    op: 'PeftAttentionGrad',
    inputs: [matrix, matrix, matrix],
    attributes: { scale: 1 },
    message: 'no attention has [2,3], [2,3], [2,3].',
  }),
  refusal({
    op: 'PeftFlashAttention',
    inputs: [matrix, matrix, matrix],
    attributes: { scale: 1, causal: false, tokensFirst: true },
    message: 'attention of tokens first takes [..., tokens, heads, size], got [2,3], [2,3], [2,3].',
  }),
  refusal({
    op: 'PeftFlashAttentionGrad',
    inputs: [matrix, matrix, matrix, matrix, matrix, matrix],
    attributes: { scale: 1, causal: false, tokensFirst: false },
    message: 'the gradient of attention takes [2,2] of float32, got [2,3] of float32.',
  }),
  refusal({
    op: 'PeftLayerNormGrad',
    inputs: [matrix, row, type([2, 1]), type([2]), matrix],
    attributes: {},
    message: 'statistics of [2,3] are [2,1], not [2].',
  }),
  refusal({
    op: 'PeftRotary',
    inputs: [type([5, 4]), type([5, 4]), type([5, 4])],
    attributes: { backward: false },
    message: 'angles of [5,4] are [5,2], not [5,4] and [5,4].',
  }),
  refusal({
    op: 'PeftLinearCrossEntropy',
    inputs: [matrix, matrix, type([2], 'int32')],
    attributes: { ignore: -100, chunk: 2, transposeWeight: false },
    message:
      'a head takes hidden [rows, size], weight [size, classes], labels [rows] and bias [classes], got [2,3], [2,3], [2].',
  }),
  refusal({
    op: 'PeftImportance',
    inputs: [matrix, row, matrix, matrix, type([]), type([])],
    attributes: {},
    message: 'a leaf [2,3] has no averages or gradient [3].',
  }),
  refusal({
    op: 'PeftTripletDistance',
    inputs: [matrix, matrix, row],
    attributes: {},
    message: 'triplets are a [in, r], a vector [r] and b [r, out], not [2,3], [3] and [2,3].',
  }),
  refusal({
    op: 'PeftTripletDistanceGradient',
    inputs: [matrix, row, type([])],
    attributes: { side: 'rows' },
    message: 'the rows of [2,3] are not counted by a vector [3].',
  }),
])('$op: $message', ({ op, inputs, attributes, message }) => {
  expect(() => rowOf(op).shape(inputs, attributes as never)).toThrow(expect.objectContaining({ message }));
  expect(() => rowOf(op).shape(inputs, attributes as never)).toThrow(GraphError);
});

it('the README tells how many rows there are', () => {
  const readme = readFileSync(new URL('../../README.md', import.meta.url), 'utf8').replaceAll('\n', ' ');
  const fused = Object.keys(opTable).filter((op) => op.startsWith('Peft'));
  expect(readme).toContain(`There are ${Object.keys(opTable).length} rows`);
  expect(readme).toContain(`the ${fused.length} fused ones.`);
});
