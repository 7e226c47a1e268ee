import { GraphError } from '../graphError.ts';
import { sizeOf, type TensorType } from '../tensorType.ts';
import { requireDType } from './elementwise.ts';
import { axisFromFront, broadcastShape, broadcastStrides, readView, stridesOf } from './indexing.ts';
import type { HostTensor, OnnxCall, OpRow } from './opRow.ts';

type Transposes = { readonly transposeA: boolean; readonly transposeB: boolean };

const swapped = <T>(axes: readonly T[]): T[] => [...axes.slice(0, -2), axes.at(-1) as T, axes.at(-2) as T];

function productShape(inputs: readonly TensorType[], { transposeA, transposeB }: Transposes): number[] {
  const [a, b] = inputs.map((each) => requireDType(each, ['float32']).shape) as [readonly number[], readonly number[]];
  const left = transposeA ? swapped(a) : a;
  const right = transposeB ? swapped(b) : b;
  if (a.length < 2 || b.length < 2 || left.at(-1) !== right.at(-2)) {
    throw new GraphError('graph/shape', `[${left}] cannot multiply [${right}]: the inner sizes differ.`);
  }
  const batch = broadcastShape(a.slice(0, -2), b.slice(0, -2));
  return [...batch, left.at(-2) as number, right.at(-1) as number];
}

const product: OpRow<Transposes> = {
  inputs: ['a', 'b'],
  attributes: (raw) => ({ transposeA: raw.transposeA === true, transposeB: raw.transposeB === true }),
  shape: (inputs, attributes) => [{ shape: productShape(inputs, attributes), dtype: 'float32' }],
  reference: ({ inputs, attributes: { transposeA, transposeB }, outputs: [output] }) => {
    const { shape } = output as TensorType;
    const [a, b] = inputs as readonly [HostTensor, HostTensor];
    const batch = shape.slice(0, -2);
    const [rows, columns] = shape.slice(-2) as [number, number];
    const inner = (transposeA ? a.shape.at(-2) : a.shape.at(-1)) as number;
    const left = matrices(a, [...batch, rows, inner], transposeA);
    const right = matrices(b, [...batch, inner, columns], transposeB);
    const result = new Float64Array(sizeOf(shape));
    for (let each = 0; each < sizeOf(batch); each++) {
      for (let row = 0; row < rows; row++) {
        for (let k = 0; k < inner; k++) {
          const factor = left[(each * rows + row) * inner + k] as number;
          const from = (each * inner + k) * columns;
          const to = (each * rows + row) * columns;
          for (let column = 0; column < columns; column++) {
            result[to + column] = (result[to + column] as number) + factor * (right[from + column] as number);
          }
        }
      }
    }
    return [result];
  },
  onnx: ({ write, inputs, types, attributes: { transposeA, transposeB } }) => {
    const [a, b] = inputs as readonly [string, string];
    if (!transposeA && !transposeB) return [write.node('MatMul', [a, b])];
    if (types.every(({ shape }) => shape.length === 2)) {
      return [write.node('Gemm', [a, b], { transA: Number(transposeA), transB: Number(transposeB) })];
    }
    if (write.dialect === 'onnxruntime') {
      return [write.ofRuntime('FusedMatMul', [a, b], { transA: Number(transposeA), transB: Number(transposeB) })];
    }
    const [left, right] = types as readonly [TensorType, TensorType];
    return [write.node('MatMul', [turned(write, a, transposeA && left), turned(write, b, transposeB && right)])];
  },
};

export const matrixRows = {
  BatchMatMul: product,
  PeftMatMul: product,
  Softmax: {
    inputs: ['logits'],
    attributes: (raw, [logits]) => ({ dim: axisFromFront(raw.dim ?? -1, (logits as TensorType).shape.length) }),
    shape: ([logits], { dim }) => {
      const type = requireDType(logits as TensorType, ['float32']);
      if (dim === type.shape.length - 1) return [type];
      throw new GraphError('graph/shape', `a softmax runs along the last axis, not axis ${dim} of [${type.shape}].`);
    },
    reference: ({ inputs: [logits] }) => {
      const { data, shape } = logits as HostTensor;
      return [softmaxRows(data, shape.at(-1) as number)];
    },
    onnx: ({ write, inputs, attributes: { dim } }) => [write.node('Softmax', inputs, { axis: dim })],
  } satisfies OpRow<{ readonly dim: number }>,
};

/** exp(x - max) / sum of each row of `width`. */
export function softmaxRows(data: ArrayLike<number>, width: number): Float64Array {
  const result = Float64Array.from(data);
  for (let start = 0; start < result.length; start += width) {
    const row = result.subarray(start, start + width);
    const top = row.reduce((best, value) => Math.max(best, value), Number.NEGATIVE_INFINITY);
    const total = row.reduce((sum, value) => sum + Math.exp(value - top), 0);
    for (let i = 0; i < width; i++) row[i] = Math.exp((row[i] as number) - top) / total;
  }
  return result;
}

function matrices({ data, shape }: HostTensor, wanted: readonly number[], transposed: boolean): Float64Array {
  if (!transposed) return readView(data, wanted, { strides: broadcastStrides(shape, wanted) });
  return readView(data, wanted, { strides: swapped(broadcastStrides(shape, swapped(wanted))) });
}

function turned(write: OnnxCall<unknown>['write'], x: string, type: TensorType | false): string {
  if (!type) return x;
  return write.node('Transpose', [x], { perm: swapped([...stridesOf(type.shape).keys()]) });
}
