import { type DType, sizeOf, type TensorType } from '../tensorType.ts';
import { requireDType } from './elementwise.ts';
import { axesFromFront, axisFromFront, readView, stridesOf } from './indexing.ts';
import type { HostTensor, OpRow } from './opRow.ts';

interface Reduction {
  readonly axis: readonly number[];
  readonly keepDims: boolean;
}

interface Reduce {
  readonly of: readonly DType[];
  readonly dtype?: DType;
  readonly combine: (row: Float64Array) => number;
  readonly onnx: string;
}

function reduction({ of, dtype, combine, onnx }: Reduce): OpRow<Reduction> {
  return {
    inputs: ['x'],
    attributes: (raw, [x]) => ({ axis: axesFromFront(raw.axis, rankOf(x)), keepDims: raw.keepDims === true }),
    shape: ([x], { axis, keepDims }) => {
      const { shape, dtype: own } = requireDType(x as TensorType, of);
      return [{ shape: reducedShape(shape, axis, keepDims), dtype: dtype ?? own }];
    },
    reference: ({ inputs: [x], attributes: { axis } }) => [reduceRows(x as HostTensor, axis, combine)],
    onnx: (call) => {
      const { axis, keepDims } = call.attributes;
      const axes = call.write.constant('int64', axis);
      const input = call.inputs[0] as string;
      const x = dtype === 'bool' ? call.write.node('Cast', [input], { to: 6 }) : input;
      const reduced = call.write.node(onnx, axis.length === 0 ? [x] : [x, axes], {
        keepdims: Number(keepDims),
        noop_with_empty_axes: 1,
      });
      return [dtype === 'bool' ? call.write.node('Cast', [reduced], { to: 9 }) : reduced];
    },
  };
}

function reducedShape(shape: readonly number[], axis: readonly number[], keepDims: boolean): number[] {
  return shape.flatMap((length, index) => (axis.includes(index) ? (keepDims ? [1] : []) : [length]));
}

/** Combines the values along `axis`, one row for each place of the other axes. */
function reduceRows({ data, shape }: HostTensor, axis: readonly number[], combine: Reduce['combine']): Float64Array {
  const kept = shape.map((_, index) => index).filter((index) => !axis.includes(index));
  const order = [...kept, ...axis];
  const strides = stridesOf(shape);
  const rows = readView(
    data,
    order.map((index) => shape[index] as number),
    { strides: order.map((index) => strides[index] as number) },
  );
  const length = sizeOf(axis.map((index) => shape[index] as number));
  const count = sizeOf(kept.map((index) => shape[index] as number));
  return Float64Array.from({ length: count }, (_, row) => combine(rows.subarray(row * length, (row + 1) * length)));
}

const rankOf = (x: TensorType | undefined) => x?.shape.length ?? 0;
const sum = (row: Float64Array) => row.reduce((total, value) => total + value, 0);
const highest = (row: Float64Array) => row.reduce((best, value) => Math.max(best, value), Number.NEGATIVE_INFINITY);
const lowest = (row: Float64Array) => row.reduce((best, value) => Math.min(best, value), Number.POSITIVE_INFINITY);
const numbers = ['float32', 'int32'] as const;

const maximum = reduction({ of: numbers, combine: highest, onnx: 'ReduceMax' });

function arg(op: 'ArgMax' | 'ArgMin', pick: (row: Float64Array) => number): OpRow<{ readonly axis: number }> {
  return {
    inputs: ['x'],
    attributes: (raw, [x]) => ({ axis: axisFromFront([raw.axis].flat()[0], rankOf(x)) }),
    shape: ([x], { axis }) => [{ shape: reducedShape((x as TensorType).shape, [axis], false), dtype: 'int32' }],
    reference: ({ inputs: [x], attributes: { axis } }) => [
      reduceRows(x as HostTensor, [axis], (row) => row.indexOf(pick(row))),
    ],
    onnx: ({ write, inputs, attributes: { axis } }) => [
      write.node('Cast', [write.node(op, inputs, { axis, keepdims: 0 })], { to: 6 }),
    ],
  };
}

export const reductionRows = {
  All: reduction({ of: ['bool'], combine: lowest, dtype: 'bool', onnx: 'ReduceMin' }),
  Any: reduction({ of: ['bool'], combine: highest, dtype: 'bool', onnx: 'ReduceMax' }),
  ArgMax: arg('ArgMax', highest),
  ArgMin: arg('ArgMin', lowest),
  Max: {
    ...maximum,
    attributes: (raw, [x]) => ({
      reductionIndices: axesFromFront(raw.reductionIndices, rankOf(x)),
      keepDims: raw.keepDims === true,
    }),
    shape: (inputs, { reductionIndices: axis, keepDims }) => maximum.shape(inputs, { axis, keepDims }),
    reference: (call) => maximum.reference({ ...call, attributes: axesOf(call.attributes) }),
    onnx: (call) => maximum.onnx({ ...call, attributes: axesOf(call.attributes) }),
  } satisfies OpRow<{ readonly reductionIndices: readonly number[]; readonly keepDims: boolean }>,
  Mean: reduction({ of: ['float32'], combine: (row) => sum(row) / row.length, onnx: 'ReduceMean' }),
  Min: reduction({ of: numbers, combine: lowest, onnx: 'ReduceMin' }),
  Prod: reduction({
    of: numbers,
    combine: (row) => row.reduce((product, value) => product * value, 1),
    onnx: 'ReduceProd',
  }),
  Sum: reduction({ of: numbers, combine: sum, onnx: 'ReduceSum' }),
};

function axesOf(attributes: { readonly reductionIndices: readonly number[]; readonly keepDims: boolean }): Reduction {
  return { axis: attributes.reductionIndices, keepDims: attributes.keepDims };
}
