import { onnxTypes } from '../onnx/onnxWriter.ts';
import { type DType, dtypeOf, sizeOf, type TensorType } from '../tensorType.ts';
import { requireDType } from './elementwise.ts';
import { axisFromFront, readView, stridesOf } from './indexing.ts';
import type { HostTensor, None, OnnxCall, OpRow } from './opRow.ts';

type Axis = { readonly axis: number };

const first = (inputs: readonly TensorType[]) => inputs[0] as TensorType;

export const lookupRows = {
  GatherV2: {
    inputs: ['x', 'indices'],
    attributes: (raw, inputs) => ({
      axis: axisFromFront(raw.axis, first(inputs).shape.length),
      batchDims: Number(raw.batchDims ?? 0),
    }),
    shape: (inputs, { axis, batchDims }) => {
      const { shape, dtype } = first(inputs);
      const ids = requireDType(inputs[1] as TensorType, ['int32']).shape;
      return [{ shape: [...shape.slice(0, axis), ...ids.slice(batchDims), ...shape.slice(axis + 1)], dtype }];
    },
    reference: ({ inputs, attributes: { axis, batchDims }, outputs: [output] }) => {
      const [x, ids] = inputs as readonly [HostTensor, HostTensor];
      const batches = sizeOf(x.shape.slice(0, batchDims));
      const outer = sizeOf(x.shape.slice(batchDims, axis));
      const rows = x.shape[axis] as number;
      const inner = sizeOf(x.shape.slice(axis + 1));
      const count = sizeOf(ids.shape.slice(batchDims));
      const result = new Float64Array(sizeOf((output as TensorType).shape));
      let at = 0;
      for (let batch = 0; batch < batches; batch++) {
        for (let block = 0; block < outer; block++) {
          for (let index = 0; index < count; index++) {
            const row = (batch * outer + block) * rows + (ids.data[batch * count + index] as number);
            for (let column = 0; column < inner; column++) result[at++] = x.data[row * inner + column] as number;
          }
        }
      }
      return [result];
    },
    onnx: ({ write, inputs, types, attributes: { axis, batchDims } }) => {
      if (batchDims === 0) return [write.node('Gather', inputs, { axis })];
      return [gatherInBatches(write, inputs, { types, axis, batchDims })];
    },
  } satisfies OpRow<Axis & { readonly batchDims: number }>,

  GatherNd: {
    inputs: ['params', 'indices'],
    shape: (inputs) => {
      const { shape, dtype } = first(inputs);
      const ids = requireDType(inputs[1] as TensorType, ['int32']).shape;
      return [{ shape: [...ids.slice(0, -1), ...shape.slice(ids.at(-1))], dtype }];
    },
    reference: ({ inputs }) => {
      const [x, ids] = inputs as readonly [HostTensor, HostTensor];
      const depth = ids.shape.at(-1) as number;
      const inner = sizeOf(x.shape.slice(depth));
      const starts = startsOf(ids, stridesOf(x.shape));
      return [
        Float64Array.from(
          starts.flatMap((start) => Array.from({ length: inner }, (_, i) => x.data[start + i] as number)),
        ),
      ];
    },
    onnx: ({ write, inputs: [x, ids] }) => [
      write.node('GatherND', [x as string, write.node('Cast', [ids as string], { to: onnxTypes.int64 })]),
    ],
  } satisfies OpRow<None>,

  ScatterNd: {
    inputs: ['indices', 'updates'],
    attributes: (raw) => ({ shape: [...(raw.shape as readonly number[])] }),
    shape: (inputs, { shape }) => {
      requireDType(first(inputs), ['int32']);
      return [{ shape, dtype: (inputs[1] as TensorType).dtype }];
    },
    reference: ({ inputs, attributes: { shape } }) => {
      const [ids, updates] = inputs as readonly [HostTensor, HostTensor];
      const inner = sizeOf(shape.slice(ids.shape.at(-1)));
      const result = new Float64Array(sizeOf(shape));
      for (const [row, start] of startsOf(ids, stridesOf(shape)).entries()) {
        for (let i = 0; i < inner; i++) {
          result[start + i] = (result[start + i] as number) + (updates.data[row * inner + i] as number);
        }
      }
      return [result];
    },
    onnx: ({ write, inputs: [ids, updates], outputs: [output] }) => {
      const { shape, dtype } = output as TensorType;
      const zeros = write.node('Expand', [write.constant(dtype, 0), write.constant('int64', shape)]);
      const places = write.node('Cast', [ids as string], { to: onnxTypes.int64 });
      return [write.node('ScatterND', [zeros, places, updates as string], { reduction: 'add' })];
    },
  } satisfies OpRow<{ readonly shape: readonly number[] }>,

  UnsortedSegmentSum: {
    inputs: ['x', 'segmentIds'],
    attributes: (raw) => ({ numSegments: Number(raw.numSegments) }),
    shape: (inputs, { numSegments }) => {
      requireDType(inputs[1] as TensorType, ['int32']);
      return [{ ...first(inputs), shape: [numSegments, ...first(inputs).shape.slice(1)] }];
    },
    reference: ({ inputs, attributes: { numSegments } }) => {
      const [x, ids] = inputs as readonly [HostTensor, HostTensor];
      const inner = sizeOf(x.shape.slice(1));
      const result = new Float64Array(numSegments * inner);
      for (let row = 0; row < ids.data.length; row++) {
        const start = (ids.data[row] as number) * inner;
        for (let i = 0; i < inner; i++)
          result[start + i] = (result[start + i] as number) + (x.data[row * inner + i] as number);
      }
      return [result];
    },
    onnx: ({ write, inputs: [x, ids], outputs: [output] }) => [
      scatterRows(write, { rows: x as string, ids: ids as string, output: output as TensorType }),
    ],
  } satisfies OpRow<{ readonly numSegments: number }>,

  OneHot: {
    inputs: ['indices'],
    attributes: (raw) => ({
      depth: Number(raw.depth),
      onValue: Number(raw.onValue ?? 1),
      offValue: Number(raw.offValue ?? 0),
      dtype: raw.dtype === undefined ? 'float32' : dtypeOf(String(raw.dtype)),
    }),
    shape: (inputs, { depth, dtype }) => [{ shape: [...requireDType(first(inputs), ['int32']).shape, depth], dtype }],
    reference: ({ inputs: [ids], attributes: { depth, onValue, offValue } }) => {
      const { data } = ids as HostTensor;
      return [
        Float64Array.from({ length: data.length * depth }, (_, index) =>
          data[Math.floor(index / depth)] === index % depth ? onValue : offValue,
        ),
      ];
    },
    onnx: ({ write, inputs: [ids], types, attributes: { depth, onValue, offValue, dtype } }) => {
      const wide = write.node('Unsqueeze', [ids as string, write.constant('int64', [first(types).shape.length])]);
      const classes = write.constant(
        'int32',
        Array.from({ length: depth }, (_, index) => index),
      );
      const values = [write.constant(dtype, onValue), write.constant(dtype, offValue)];
      return [write.node('Where', [write.node('Equal', [wide, classes]), ...values])];
    },
  } satisfies OpRow<{
    readonly depth: number;
    readonly onValue: number;
    readonly offValue: number;
    readonly dtype: DType;
  }>,

  TopK: {
    inputs: ['x'],
    outputs: 'list',
    attributes: (raw) => ({ k: Number(raw.k), sorted: raw.sorted !== false }),
    shape: (inputs, { k }) => {
      const { shape, dtype } = requireDType(first(inputs), ['float32', 'int32']);
      const top = [...shape.slice(0, -1), k];
      return [
        { shape: top, dtype },
        { shape: top, dtype: 'int32' as const },
      ];
    },
    reference: ({ inputs: [x], attributes: { k } }) => {
      const { data, shape } = x as HostTensor;
      const width = shape.at(-1) as number;
      const places = Array.from({ length: data.length / width }, (_, row) =>
        Array.from({ length: width }, (_, column) => column)
          .sort((left, right) => (data[row * width + right] as number) - (data[row * width + left] as number))
          .slice(0, k),
      );
      return [places.flatMap((row, index) => row.map((place) => data[index * width + place] as number)), places.flat()];
    },
    onnx: ({ write, inputs: [x], attributes: { k, sorted } }) => {
      const attributes = { sorted: Number(sorted) };
      const top = write.several('TopK', [x as string, write.constant('int64', [k])], { attributes, count: 2 });
      return [top[0] as string, write.node('Cast', [top[1] as string], { to: onnxTypes.int32 })];
    },
  } satisfies OpRow<{ readonly k: number; readonly sorted: boolean }>,

  Cumsum: {
    inputs: ['x'],
    attributes: (raw, inputs) => ({
      axis: axisFromFront(raw.axis, first(inputs).shape.length),
      exclusive: raw.exclusive === true,
      reverse: raw.reverse === true,
    }),
    shape: (inputs) => [requireDType(first(inputs), ['float32', 'int32'])],
    reference: ({ inputs: [x], attributes: { axis, exclusive, reverse } }) => {
      const { data, shape } = x as HostTensor;
      const length = shape[axis] as number;
      const inner = sizeOf(shape.slice(axis + 1));
      const result = readView(data, shape, { strides: stridesOf(shape) });
      for (let start = 0; start < data.length; start++) {
        if (Math.floor(start / inner) % length !== 0) continue;
        let total = 0;
        for (let step = 0; step < length; step++) {
          const at = start + (reverse ? length - 1 - step : step) * inner;
          const value = data[at] as number;
          result[at] = exclusive ? total : total + value;
          total += value;
        }
      }
      return [result];
    },
    onnx: ({ write, inputs: [x], attributes: { axis, exclusive, reverse } }) => [
      write.node('CumSum', [x as string, write.constant('int64', axis)], {
        exclusive: Number(exclusive),
        reverse: Number(reverse),
      }),
    ],
  } satisfies OpRow<Axis & { readonly exclusive: boolean; readonly reverse: boolean }>,
};

/** Where in a dense tensor each index tuple points. */
function startsOf(ids: HostTensor, strides: readonly number[]): number[] {
  const depth = ids.shape.at(-1) as number;
  return Array.from({ length: ids.data.length / depth }, (_, row) =>
    Array.from({ length: depth }).reduce<number>(
      (at, _, axis) => at + (ids.data[row * depth + axis] as number) * (strides[axis] as number),
      0,
    ),
  );
}

interface Scatter {
  readonly rows: string;
  /** One int32 a row. */
  readonly ids: string;
  readonly output: TensorType;
}

/** Rows added up at their ids, as ONNX. */
export function scatterRows(write: OnnxCall<unknown>['write'], { rows, ids, output }: Scatter): string {
  const zeros = write.node('Expand', [write.constant(output.dtype, 0), write.constant('int64', output.shape)]);
  const wide = write.node('Cast', [ids], { to: onnxTypes.int64 });
  const places = write.node('Unsqueeze', [wide, write.constant('int64', [1])]);
  return write.node('ScatterND', [zeros, places, rows], { reduction: 'add' });
}

interface Batched {
  readonly types: readonly TensorType[];
  readonly axis: number;
  readonly batchDims: number;
}

/** Where leading axes are shared: rows of all batches in one table, ids shifted to their batch. */
function gatherInBatches(
  write: OnnxCall<unknown>['write'],
  [x, ids]: readonly string[],
  { types, axis, batchDims }: Batched,
): string {
  const [table, wanted] = types as readonly [TensorType, TensorType];
  const batches = sizeOf(table.shape.slice(0, batchDims));
  const rows = table.shape[axis] as number;
  const middle = table.shape.slice(batchDims, axis);
  const inner = table.shape.slice(axis + 1);
  const reshape = (value: string, shape: readonly number[]) =>
    write.node('Reshape', [value, write.constant('int64', shape)]);
  const each = sizeOf(middle);
  const count = sizeOf(wanted.shape.slice(batchDims));
  const flat = reshape(x as string, [batches * each * rows, ...inner]);
  const shifts = write.constant(
    'int32',
    Array.from({ length: batches * each }, (_, i) => i * rows),
    [batches, each, 1],
  );
  const places = write.node('Add', [reshape(ids as string, [batches, 1, count]), shifts]);
  const shape = [...table.shape.slice(0, axis), ...wanted.shape.slice(batchDims), ...inner];
  return reshape(write.node('Gather', [flat, places], { axis: 0 }), shape);
}
