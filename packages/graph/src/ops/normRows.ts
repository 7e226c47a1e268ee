import { GraphError } from '../graphError.ts';
import { sizeOf, type TensorType } from '../tensorType.ts';
import type { HostTensor, None, OpRow } from './opRow.ts';

type Epsilon = { readonly epsilon: number };

const epsilonOf = (raw: Readonly<Record<string, unknown>>) => ({ epsilon: Number(raw.epsilon) });

function requireWidth(inputs: readonly TensorType[], vectors: readonly number[]): readonly TensorType[] {
  const x = inputs[0] as TensorType;
  const odd = vectors
    .map((index) => inputs[index] as TensorType)
    .find(({ shape }) => `${shape}` !== `${x.shape.at(-1)}`);
  if (!odd) return [x];
  throw new GraphError(
    'graph/shape',
    `a norm of [${x.shape}] needs vectors of [${x.shape.at(-1)}], got [${odd.shape}].`,
  );
}

interface Row {
  readonly values: Float64Array;
  readonly mean: number;
  /** 1 / sqrt of the mean square about `mean`, plus epsilon. */
  readonly inverse: number;
}

function rowsOf({ data, shape }: HostTensor, { epsilon, centered }: Epsilon & { readonly centered: boolean }): Row[] {
  const width = shape.at(-1) as number;
  return Array.from({ length: sizeOf(shape) / width }, (_, row) => {
    const values = Float64Array.from({ length: width }, (_, i) => data[row * width + i] as number);
    const mean = centered ? values.reduce((sum, value) => sum + value, 0) / width : 0;
    const square = values.reduce((sum, value) => sum + (value - mean) ** 2, 0) / width;
    return { values, mean, inverse: 1 / Math.sqrt(square + epsilon) };
  });
}

const statistics = ({ shape }: TensorType): TensorType => ({ shape: [...shape.slice(0, -1), 1], dtype: 'float32' });

/** Inputs `x`, `gain`, statistics of each row, and dy. */
function requireStatistics(inputs: readonly TensorType[]): readonly TensorType[] {
  const wanted = statistics(inputs[0] as TensorType);
  const odd = inputs.slice(2, -1).find(({ shape }) => `${shape}` !== `${wanted.shape}`);
  if (!odd) return requireWidth(inputs, [1]);
  throw new GraphError('graph/shape', `statistics of [${inputs[0]?.shape}] are [${wanted.shape}], not [${odd.shape}].`);
}

interface Slope {
  readonly values: readonly number[];
  readonly dy: readonly number[];
  readonly mean: number;
  readonly inverse: number;
}

/** The gradient by each row of x, from its values, the gain times dy, and its statistics. */
function eachRow(
  inputs: readonly HostTensor[],
  slopeOf: (slope: Slope) => readonly number[],
): readonly (readonly number[])[] {
  const [x, gain] = inputs as readonly [HostTensor, HostTensor];
  const dy = inputs.at(-1) as HostTensor;
  const width = x.shape.at(-1) as number;
  const [means, inverses] = inputs.length === 5 ? [inputs[2], inputs[3]] : [undefined, inputs[2]];
  return [
    Array.from({ length: sizeOf(x.shape) / width }, (_, row) => {
      const places = Array.from({ length: width }, (_, i) => row * width + i);
      return slopeOf({
        values: places.map((at) => x.data[at] as number),
        dy: places.map((at, i) => (dy.data[at] as number) * (gain.data[i] as number)),
        mean: (means?.data[row] as number | undefined) ?? 0,
        inverse: inverses?.data[row] as number,
      });
    }).flat(),
  ];
}

const meanOf = (values: readonly number[]) => values.reduce((sum, value) => sum + value, 0) / values.length;

/** Below the variance of any gradient that matters: a row of zeros stays zero. */
const nothing = 1e-30;

export const normRows = {
  /** The normalized rows, and the mean and inverse deviation that the gradient reads. */
  PeftLayerNorm: {
    inputs: ['x', 'gain', 'bias'],
    outputs: 'list',
    attributes: epsilonOf,
    shape: (inputs) => {
      const [x] = requireWidth(inputs, [1, 2]) as readonly [TensorType];
      return [x, statistics(x), statistics(x)];
    },
    reference: ({ inputs, attributes: { epsilon } }) => {
      const [x, gain, bias] = inputs as readonly [HostTensor, HostTensor, HostTensor];
      const rows = rowsOf(x, { epsilon, centered: true });
      return [
        rows.flatMap(({ values, mean, inverse }) =>
          Array.from(
            values,
            (value, i) => (value - mean) * inverse * (gain.data[i] as number) + (bias.data[i] as number),
          ),
        ),
        rows.map(({ mean }) => mean),
        rows.map(({ inverse }) => inverse),
      ];
    },
    onnx: ({ write, inputs, attributes: { epsilon } }) =>
      write.several('LayerNormalization', inputs, { attributes: { axis: -1, epsilon: { float: epsilon } }, count: 3 }),
  } satisfies OpRow<Epsilon>,

  PeftLayerNormGrad: {
    inputs: ['x', 'gain', 'mean', 'inverseDeviation', 'dy'],
    shape: requireStatistics,
    reference: ({ inputs }) =>
      eachRow(inputs, ({ values, dy, mean, inverse }) => {
        const normalized = values.map((value) => (value - mean) * inverse);
        const along = meanOf(dy.map((each, i) => each * (normalized[i] as number)));
        const all = meanOf(dy);
        return dy.map((each, i) => inverse * (each - all - (normalized[i] as number) * along));
      }),
    onnx: ({ write, inputs, types }) => {
      const [x, gain, mean, inverse, dy] = inputs as readonly [string, string, string, string, string];
      const width = types[1] as TensorType;
      const centered = write.node('Sub', [x, mean]);
      const scaled = write.node('Mul', [dy, gain]);
      const axes = write.constant('int64', [-1]);
      const along = write.node('ReduceMean', [write.node('Mul', [scaled, centered]), axes], { keepdims: 1 });
      const factor = write.node('Mul', [along, write.node('Mul', [inverse, inverse])]);
      const across = write.node('Sub', [scaled, write.node('Mul', [centered, factor])]);
      // One kernel takes the mean away; its division by the deviation is undone with the row's own factor.
      const [ones, zeros] = [1, 0].map((value) =>
        write.constant('float32', new Float32Array(width.shape[0] as number).fill(value)),
      );
      const [unit, , inverseOfUnit] = write.several('LayerNormalization', [across, ones as string, zeros as string], {
        attributes: { axis: -1, epsilon: { float: nothing } },
        count: 3,
      }) as readonly [string, string, string];
      return [write.node('Mul', [unit, write.node('Div', [inverse, inverseOfUnit])])];
    },
  } satisfies OpRow<None>,

  /** The normalized rows, and the inverse root of their mean square that the gradient reads. */
  PeftRmsNorm: {
    inputs: ['x', 'gain'],
    outputs: 'list',
    attributes: epsilonOf,
    shape: (inputs) => {
      const [x] = requireWidth(inputs, [1]) as readonly [TensorType];
      return [x, statistics(x)];
    },
    reference: ({ inputs, attributes: { epsilon } }) => {
      const [x, gain] = inputs as readonly [HostTensor, HostTensor];
      const rows = rowsOf(x, { epsilon, centered: false });
      return [
        rows.flatMap(({ values, inverse }) =>
          Array.from(values, (value, i) => value * inverse * (gain.data[i] as number)),
        ),
        rows.map(({ inverse }) => inverse),
      ];
    },
    onnx: ({ write, inputs, attributes: { epsilon } }) => {
      const [x, gain] = inputs as readonly [string, string];
      if (write.dialect === 'onnxruntime') {
        const attributes = { axis: -1, epsilon: { float: epsilon } };
        return write.several('SimplifiedLayerNormalization', inputs, { attributes, count: 2 });
      }
      const mean = write.node('ReduceMean', [write.node('Mul', [x, x]), write.constant('int64', [-1])], {
        keepdims: 1,
      });
      const root = write.node('Sqrt', [write.node('Add', [mean, write.constant('float32', epsilon)])]);
      const inverse = write.node('Reciprocal', [root]);
      return [write.node('Mul', [write.node('Mul', [x, inverse]), gain]), inverse];
    },
  } satisfies OpRow<Epsilon>,

  PeftRmsNormGrad: {
    inputs: ['x', 'gain', 'inverseRoot', 'dy'],
    shape: requireStatistics,
    reference: ({ inputs }) =>
      eachRow(inputs, ({ values, dy, inverse }) => {
        const along = meanOf(dy.map((each, i) => each * (values[i] as number))) * inverse * inverse;
        return dy.map((each, i) => inverse * (each - (values[i] as number) * along));
      }),
    onnx: ({ write, inputs }) => {
      const [x, gain, inverse, dy] = inputs as readonly [string, string, string, string];
      const scaled = write.node('Mul', [dy, gain]);
      const axes = write.constant('int64', [-1]);
      const along = write.node('ReduceMean', [write.node('Mul', [scaled, x]), axes], { keepdims: 1 });
      const factor = write.node('Mul', [along, write.node('Mul', [inverse, inverse])]);
      return [write.node('Mul', [write.node('Sub', [scaled, write.node('Mul', [x, factor])]), inverse])];
    },
  } satisfies OpRow<None>,
};
