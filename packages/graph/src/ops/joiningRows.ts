import { GraphError } from '../graphError.ts';
import { type DType, dtypeOf, sizeOf, type TensorType } from '../tensorType.ts';
import { requireDType } from './elementwise.ts';
import { axisFromFront, readView, stridesOf } from './indexing.ts';
import type { HostTensor, None, OpRow } from './opRow.ts';

type Axis = { readonly axis: number };

const first = (inputs: readonly TensorType[]) => inputs[0] as TensorType;

/** The blocks [outer, rows, inner] of each tensor, joined along the middle. */
function joined(inputs: readonly { data: ArrayLike<number>; shape: readonly number[] }[], axis: number): Float64Array {
  const { shape } = inputs[0] as { shape: readonly number[] };
  const outer = sizeOf(shape.slice(0, axis));
  const blocks = inputs.map(({ data }) => ({ data, width: data.length / outer }));
  const result = new Float64Array(blocks.reduce((total, { data }) => total + data.length, 0));
  let at = 0;
  for (let row = 0; row < outer; row++) {
    for (const { data, width } of blocks) {
      for (let index = 0; index < width; index++) result[at++] = data[row * width + index] as number;
    }
  }
  return result;
}

function parts({ data, shape }: HostTensor, axis: number, sizes: readonly number[]): Float64Array[] {
  let start = 0;
  return sizes.map((size) => {
    const strides = stridesOf(shape);
    const part = readView(data, shape.with(axis, size), { strides, offset: start * (strides[axis] as number) });
    start += size;
    return part;
  });
}

export const joiningRows = {
  AddN: {
    inputs: 'list',
    shape: (inputs) => {
      const odd = inputs.find(({ shape }) => `${shape}` !== `${first(inputs).shape}`);
      if (odd) throw new GraphError('graph/shape', `[${first(inputs).shape}] and [${odd.shape}] have unequal shapes.`);
      return [requireDType(first(inputs), ['float32', 'int32'])];
    },
    reference: ({ inputs }) => [
      Float64Array.from((inputs[0] as HostTensor).data, (_, i) =>
        inputs.reduce((total, { data }) => total + (data[i] as number), 0),
      ),
    ],
    onnx: ({ write, inputs, types }) => {
      if (first(types).dtype === 'float32') return [write.node('Sum', inputs)];
      return [inputs.slice(1).reduce((total, each) => write.node('Add', [total, each]), inputs[0] as string)];
    },
  } satisfies OpRow<None>,

  Concat: {
    inputs: 'list',
    attributes: (raw, inputs) => ({ axis: axisFromFront(raw.axis, first(inputs).shape.length) }),
    shape: (inputs, { axis }) => {
      const { shape, dtype } = first(inputs);
      const odd = inputs.find((each) => `${each.shape.with(axis, 0)}` !== `${shape.with(axis, 0)}`);
      if (odd) throw new GraphError('graph/shape', `[${shape}] and [${odd.shape}] differ beyond axis ${axis}.`);
      return [
        {
          shape: shape.with(
            axis,
            inputs.reduce((sum, each) => sum + (each.shape[axis] as number), 0),
          ),
          dtype,
        },
      ];
    },
    reference: ({ inputs, attributes: { axis } }) => [joined(inputs, axis)],
    onnx: ({ write, inputs, attributes: { axis } }) => [write.node('Concat', inputs, { axis })],
  } satisfies OpRow<Axis>,

  Pack: {
    inputs: 'list',
    attributes: (raw, inputs) => ({ axis: axisFromFront(raw.axis, first(inputs).shape.length + 1) }),
    shape: (inputs, { axis }) => [{ ...first(inputs), shape: first(inputs).shape.toSpliced(axis, 0, inputs.length) }],
    reference: ({ inputs, attributes: { axis } }) => [
      joined(
        inputs.map(({ data, shape }) => ({ data, shape: shape.toSpliced(axis, 0, 1) })),
        axis,
      ),
    ],
    onnx: ({ write, inputs, attributes: { axis } }) => {
      const axes = write.constant('int64', [axis]);
      return [
        write.node(
          'Concat',
          inputs.map((each) => write.node('Unsqueeze', [each, axes])),
          { axis },
        ),
      ];
    },
  } satisfies OpRow<Axis>,

  SplitV: {
    inputs: ['x'],
    outputs: 'list',
    attributes: (raw, inputs) => {
      const { shape } = first(inputs);
      const axis = axisFromFront(raw.axis, shape.length);
      const length = shape[axis] as number;
      const given = raw.numOrSizeSplits as number | readonly number[];
      if (typeof given === 'number') return { axis, numOrSizeSplits: new Array<number>(given).fill(length / given) };
      const known = given.reduce((sum, size) => sum + Math.max(size, 0), 0);
      return { axis, numOrSizeSplits: given.map((size) => (size < 0 ? length - known : size)) };
    },
    shape: (inputs, { axis, numOrSizeSplits }) =>
      numOrSizeSplits.map((size) => ({ ...first(inputs), shape: first(inputs).shape.with(axis, size) })),
    reference: ({ inputs: [x], attributes: { axis, numOrSizeSplits } }) =>
      parts(x as HostTensor, axis, numOrSizeSplits),
    onnx: ({ write, inputs, attributes: { axis, numOrSizeSplits } }) =>
      write.several('Split', [inputs[0] as string, write.constant('int64', numOrSizeSplits)], {
        attributes: { axis },
        count: numOrSizeSplits.length,
      }),
  } satisfies OpRow<Axis & { readonly numOrSizeSplits: readonly number[] }>,

  Unpack: {
    inputs: ['value'],
    outputs: 'list',
    attributes: (raw, inputs) => ({ axis: axisFromFront(raw.axis, first(inputs).shape.length) }),
    shape: (inputs, { axis }) =>
      Array.from({ length: first(inputs).shape[axis] as number }, () => ({
        ...first(inputs),
        shape: first(inputs).shape.toSpliced(axis, 1),
      })),
    reference: ({ inputs: [x], attributes: { axis }, outputs }) =>
      parts(x as HostTensor, axis, new Array<number>(outputs.length).fill(1)),
    onnx: ({ write, inputs: [x], attributes: { axis }, outputs }) =>
      outputs.map((_, index) => write.node('Gather', [x as string, write.constant('int64', index)], { axis })),
  } satisfies OpRow<Axis>,

  Select: {
    inputs: ['condition', 't', 'e'],
    shape: ([condition, yes, no]) => {
      requireDType(condition as TensorType, ['bool']);
      const { shape, dtype } = yes as TensorType;
      const isOneShape = [condition, no].every((each) => `${each?.shape}` === `${shape}`);
      if (isOneShape && no?.dtype === dtype) return [{ shape, dtype }];
      throw new GraphError(
        'graph/shape',
        `a condition [${condition?.shape}] cannot choose between ${dtype} [${shape}] and ${no?.dtype} [${no?.shape}].`,
      );
    },
    reference: ({ inputs }) => {
      const [condition, yes, no] = inputs as readonly [HostTensor, HostTensor, HostTensor];
      return [Float64Array.from(condition.data, (live, index) => (live ? yes : no).data[index] as number)];
    },
    onnx: ({ write, inputs }) => [write.node('Where', inputs)],
  } satisfies OpRow<None>,

  Fill: {
    inputs: [],
    attributes: (raw) => ({
      shape: [...(raw.shape as readonly number[])],
      value: Number(raw.value),
      dtype: raw.dtype === undefined ? 'float32' : dtypeOf(String(raw.dtype)),
    }),
    shape: (_, { shape, dtype }) => [{ shape, dtype }],
    reference: ({ attributes: { shape, value } }) => [new Float64Array(sizeOf(shape)).fill(value)],
    onnx: ({ write, attributes: { shape, value, dtype } }) => [
      write.node('Expand', [write.constant(dtype, value), write.constant('int64', shape)]),
    ],
  } satisfies OpRow<{ readonly shape: readonly number[]; readonly value: number; readonly dtype: DType }>,

  Range: {
    inputs: [],
    attributes: (raw) => ({
      start: Number(raw.start),
      stop: Number(raw.stop),
      step: Number(raw.step),
      dtype: raw.dtype === undefined ? 'float32' : dtypeOf(String(raw.dtype)),
    }),
    shape: (_, attributes) => [{ shape: [rangeLength(attributes)], dtype: attributes.dtype }],
    reference: ({ attributes }) => [
      Float64Array.from({ length: rangeLength(attributes) }, (_, i) => attributes.start + i * attributes.step),
    ],
    onnx: ({ write, attributes: { start, step, dtype }, outputs: [output] }) => {
      const count = (output as TensorType).shape[0] as number;
      const ends = [start, start + count * step, step].map((each) => write.constant(dtype, each));
      return [write.node('Range', ends)];
    },
  } satisfies OpRow<{ readonly start: number; readonly stop: number; readonly step: number; readonly dtype: DType }>,
};

function rangeLength({ start, stop, step }: { start: number; stop: number; step: number }): number {
  return Math.max(Math.ceil((stop - start) / step), 0);
}
