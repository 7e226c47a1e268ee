import { GraphError } from '../graphError.ts';
import { onnxTypes } from '../onnx/onnxWriter.ts';
import { type DType, dtypeOf, sizeOf, type TensorType } from '../tensorType.ts';
import { axesFromFront, axisFromFront, readView, stridesOf } from './indexing.ts';
import type { HostTensor, OpRow } from './opRow.ts';

type Shape = { readonly shape: readonly number[] };

const first = (inputs: readonly TensorType[]) => inputs[0] as TensorType;
const rankOf = (inputs: readonly TensorType[]) => first(inputs).shape.length;
const numbersOf = (raw: unknown) => [raw].flat(2).map(Number);

function toInteger(x: number): number {
  return Number.isNaN(x) ? 0 : Math.trunc(x);
}

function convert(dtype: DType): (x: number) => number {
  if (dtype === 'bool') return (x) => (x === 0 ? 0 : 1);
  return dtype === 'int32' ? toInteger : (x) => x;
}

export const layoutRows = {
  Cast: {
    inputs: ['x'],
    attributes: (raw) => ({ dtype: dtypeOf(String(raw.dtype)) }),
    shape: (inputs, { dtype }) => [{ shape: first(inputs).shape, dtype }],
    reference: ({ inputs: [x], attributes }) => [Float64Array.from((x as HostTensor).data, convert(attributes.dtype))],
    onnx: ({ write, inputs, attributes }) => [write.node('Cast', inputs, { to: onnxTypes[attributes.dtype] })],
  } satisfies OpRow<{ readonly dtype: DType }>,

  Reshape: {
    inputs: ['x'],
    attributes: (raw, inputs) => {
      const wanted = numbersOf(raw.shape);
      const known = sizeOf(wanted.filter((length) => length >= 0));
      return { shape: wanted.map((length) => (length < 0 ? sizeOf(first(inputs).shape) / known : length)) };
    },
    shape: (inputs, { shape }) => {
      const { dtype, shape: from } = first(inputs);
      if (sizeOf(shape) !== sizeOf(from)) {
        throw new GraphError('graph/shape', `[${from}] cannot become [${shape}], which has another number of values.`);
      }
      return [{ shape, dtype }];
    },
    reference: ({ inputs: [x] }) => [(x as HostTensor).data],
    onnx: ({ write, inputs, attributes: { shape } }) => [
      write.node('Reshape', [inputs[0] as string, write.constant('int64', shape)]),
    ],
  } satisfies OpRow<Shape>,

  ExpandDims: {
    inputs: ['input'],
    attributes: (raw, inputs) => ({ dim: axisFromFront(raw.dim, rankOf(inputs) + 1) }),
    shape: (inputs, { dim }) => [{ ...first(inputs), shape: first(inputs).shape.toSpliced(dim, 0, 1) }],
    reference: ({ inputs: [x] }) => [(x as HostTensor).data],
    onnx: ({ write, inputs, attributes: { dim } }) => [
      write.node('Unsqueeze', [inputs[0] as string, write.constant('int64', [dim])]),
    ],
  } satisfies OpRow<{ readonly dim: number }>,

  Transpose: {
    inputs: ['x'],
    attributes: (raw, inputs) => {
      const reversed = Array.from({ length: rankOf(inputs) }, (_, axis) => axis).reverse();
      return { perm: raw.perm == null ? reversed : numbersOf(raw.perm) };
    },
    shape: (inputs, { perm }) => [{ ...first(inputs), shape: perm.map((axis) => first(inputs).shape[axis] as number) }],
    reference: ({ inputs: [x], attributes: { perm }, outputs: [output] }) => {
      const strides = stridesOf((x as HostTensor).shape);
      return [
        readView((x as HostTensor).data, (output as TensorType).shape, {
          strides: perm.map((axis) => strides[axis] as number),
        }),
      ];
    },
    onnx: ({ write, inputs, attributes: { perm } }) => [
      perm.length === 0 ? write.node('Identity', inputs) : write.node('Transpose', inputs, { perm }),
    ],
  } satisfies OpRow<{ readonly perm: readonly number[] }>,

  Tile: {
    inputs: ['x'],
    attributes: (raw) => ({ reps: numbersOf(raw.reps) }),
    shape: (inputs, { reps }) => [
      { ...first(inputs), shape: first(inputs).shape.map((length, axis) => length * (reps[axis] as number)) },
    ],
    reference: ({ inputs: [x], attributes: { reps }, outputs: [output] }) => {
      const { data, shape } = x as HostTensor;
      const strides = stridesOf(shape);
      const split = shape.flatMap((length, axis) => [reps[axis] as number, length]);
      return [
        readView(data, (output as TensorType).shape.length === 0 ? [] : split, {
          strides: strides.flatMap((step) => [0, step]),
        }),
      ];
    },
    onnx: ({ write, inputs, attributes: { reps } }) => [
      write.node('Tile', [inputs[0] as string, write.constant('int64', reps)]),
    ],
  } satisfies OpRow<{ readonly reps: readonly number[] }>,

  Reverse: {
    inputs: ['x'],
    attributes: (raw, inputs) => ({ dims: axesFromFront(raw.dims, rankOf(inputs)) }),
    shape: (inputs) => [first(inputs)],
    reference: ({ inputs: [x], attributes: { dims } }) => {
      const { data, shape } = x as HostTensor;
      const strides = stridesOf(shape);
      const flipped = dims.filter((axis) => (shape[axis] as number) > 0);
      return [
        readView(data, shape, {
          strides: strides.map((step, axis) => (dims.includes(axis) ? -step : step)),
          offset: flipped.reduce((at, axis) => at + ((shape[axis] as number) - 1) * (strides[axis] as number), 0),
        }),
      ];
    },
    onnx: ({ write, inputs, attributes: { dims } }) => {
      if (dims.length === 0) return [write.node('Identity', inputs)];
      const all = (value: number) => write.constant('int64', new Array<number>(dims.length).fill(value));
      const least = -2_147_483_648;
      return [write.node('Slice', [inputs[0] as string, all(-1), all(least), write.constant('int64', dims), all(-1)])];
    },
  } satisfies OpRow<{ readonly dims: readonly number[] }>,

  Slice: {
    inputs: ['x'],
    attributes: (raw, inputs) => {
      const { shape } = first(inputs);
      const [begins, sizes] = [numbersOf(raw.begin), numbersOf(raw.size ?? -1)];
      const begin = shape.map((_, axis) => begins[axis] ?? 0);
      const size = shape.map((length, axis) => {
        const wanted = sizes[axis] ?? -1;
        return wanted < 0 ? length - (begin[axis] as number) : wanted;
      });
      return { begin, size };
    },
    shape: (inputs, { begin, size }) => {
      const { shape, dtype } = first(inputs);
      if (begin.some((start, axis) => start < 0 || start + (size[axis] as number) > (shape[axis] as number))) {
        throw new GraphError('graph/shape', `a slice of [${size}] from [${begin}] leaves the tensor [${shape}].`);
      }
      return [{ shape: size, dtype }];
    },
    reference: ({ inputs: [x], attributes: { begin, size } }) => {
      const strides = stridesOf((x as HostTensor).shape);
      const offset = begin.reduce((at, start, axis) => at + start * (strides[axis] as number), 0);
      return [readView((x as HostTensor).data, size, { strides, offset })];
    },
    onnx: ({ write, inputs, attributes: { begin, size } }) => {
      if (begin.length === 0) return [write.node('Identity', inputs)];
      const ends = begin.map((start, axis) => start + (size[axis] as number));
      return [
        write.node('Slice', [inputs[0] as string, write.constant('int64', begin), write.constant('int64', ends)]),
      ];
    },
  } satisfies OpRow<{ readonly begin: readonly number[]; readonly size: readonly number[] }>,

  PadV2: {
    inputs: ['x'],
    attributes: (raw) => ({
      paddings: (raw.paddings as readonly (readonly [number, number])[]).map(
        ([before, after]) => [before, after] as const,
      ),
      constantValue: Number(raw.constantValue ?? 0),
    }),
    shape: (inputs, { paddings }) => [
      {
        ...first(inputs),
        shape: first(inputs).shape.map((length, axis) => {
          const [before, after] = paddings[axis] as readonly [number, number];
          return before + length + after;
        }),
      },
    ],
    reference: ({ inputs: [x], attributes: { paddings, constantValue }, outputs: [output] }) => {
      const { data, shape } = x as HostTensor;
      const result = new Float64Array(sizeOf((output as TensorType).shape)).fill(constantValue);
      const strides = stridesOf((output as TensorType).shape);
      const offset = paddings.reduce((at, [before], axis) => at + before * (strides[axis] as number), 0);
      const places = readView(Array.from(result.keys()), shape, { strides, offset });
      for (const [index, place] of places.entries()) result[place] = data[index] as number;
      return [result];
    },
    onnx: ({ write, inputs, types, attributes: { paddings, constantValue } }) => {
      const { dtype } = first(types);
      const pads = [...paddings.map(([before]) => before), ...paddings.map(([, after]) => after)];
      if (pads.length === 0) return [write.node('Identity', inputs)];
      return [
        write.node('Pad', [inputs[0] as string, write.constant('int64', pads), write.constant(dtype, constantValue)]),
      ];
    },
  } satisfies OpRow<{
    readonly paddings: readonly (readonly [number, number])[];
    readonly constantValue: number;
  }>,
};
