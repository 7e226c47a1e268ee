import { GraphError } from '../graphError.ts';
import type { OnnxWriter } from '../onnx/onnxWriter.ts';
import type { DType, TensorType } from '../tensorType.ts';
import { broadcastShape, broadcastStrides, readView } from './indexing.ts';
import type { HostTensor, None, OnnxCall, OpRow } from './opRow.ts';

type Lower = string | ((write: OnnxWriter, inputs: readonly string[], call: OnnxCall<unknown>) => string);

interface Elementwise {
  readonly dtype?: DType;
  /** What the inputs must be. */
  readonly of?: readonly DType[];
}

/** The row of an operation on each element alone; keeps the dtype unless another is given. */
export function unary(
  apply: (x: number) => number,
  lower: Lower,
  { dtype, of = ['float32'] }: Elementwise = {},
): OpRow<None> {
  return {
    inputs: ['x'],
    shape: ([x]) => [{ shape: requireDType(x as TensorType, of).shape, dtype: dtype ?? (x as TensorType).dtype }],
    reference: ({ inputs: [x] }) => [Float64Array.from((x as HostTensor).data, apply)],
    onnx: (call) => [lowered(lower, call)],
  };
}

/** As `unary`, with a number among the attributes. */
export function unaryWith<Attributes>(
  attributes: (raw: Readonly<Record<string, unknown>>) => Attributes,
  apply: (x: number, attributes: Attributes) => number,
  lower: (call: OnnxCall<Attributes>, x: string) => string,
): OpRow<Attributes> {
  return {
    inputs: ['x'],
    attributes,
    shape: ([x]) => [requireDType(x as TensorType, ['float32'])],
    reference: ({ inputs: [x], attributes: given }) => [
      Float64Array.from((x as HostTensor).data, (value) => apply(value, given)),
    ],
    onnx: (call) => [lower(call, call.inputs[0] as string)],
  };
}

/** The row of an operation on pairs of elements, shapes broadcast; keeps the dtype unless another is given. */
export function binary(
  apply: (a: number, b: number) => number,
  lower: Lower,
  { dtype, of = ['float32', 'int32'] }: Elementwise = {},
): OpRow<None> {
  return {
    inputs: ['a', 'b'],
    shape: (inputs) => {
      const [a, b] = inputs as [TensorType, TensorType];
      requireDType(a, of);
      if (a.dtype !== b.dtype) {
        throw new GraphError('graph/dtype', `the operands are ${a.dtype} and ${b.dtype}; cast one to the other.`);
      }
      return [{ shape: broadcastShape(a.shape, b.shape), dtype: dtype ?? a.dtype }];
    },
    reference: ({ inputs, outputs }) => {
      const shape = (outputs[0] as TensorType).shape;
      const [a, b] = inputs.map((each) => readView(each.data, shape, { strides: broadcastStrides(each.shape, shape) }));
      return [
        Float64Array.from(a as Float64Array, (value, index) => apply(value, (b as Float64Array)[index] as number)),
      ];
    },
    onnx: (call) => [lowered(lower, call)],
  };
}

/** The row of a tensor of one value, shaped as its input. */
export function filled(value: 0 | 1): OpRow<None> {
  return {
    inputs: ['x'],
    shape: ([x]) => [x as TensorType],
    reference: ({ inputs: [x] }) => [new Float64Array((x as HostTensor).data.length).fill(value)],
    onnx: ({ write, outputs: [output] }) => {
      const { dtype, shape } = output as TensorType;
      return [write.node('Expand', [write.constant(dtype, value), write.constant('int64', shape)])];
    },
  };
}

export function requireDType(type: TensorType, allowed: readonly DType[]): TensorType {
  if (allowed.includes(type.dtype)) return type;
  throw new GraphError('graph/dtype', `an input is ${type.dtype}, which must be ${allowed.join(' or ')}; cast it.`);
}

function lowered(lower: Lower, call: OnnxCall<unknown>): string {
  return typeof lower === 'string' ? call.write.node(lower, call.inputs) : lower(call.write, call.inputs, call);
}
