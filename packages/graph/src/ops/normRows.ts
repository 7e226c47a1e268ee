import { GraphError } from '../graphError.ts';
import { sizeOf, type TensorType } from '../tensorType.ts';
import type { HostTensor, OpRow } from './opRow.ts';

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
  readonly normalized: Float64Array;
  readonly inverseDeviation: number;
}

function standardize({ data, shape }: HostTensor, epsilon: number): Row[] {
  const width = shape.at(-1) as number;
  return Array.from({ length: sizeOf(shape) / width }, (_, row) => {
    const values = Float64Array.from({ length: width }, (_, i) => data[row * width + i] as number);
    const mean = values.reduce((sum, value) => sum + value, 0) / width;
    const variance = values.reduce((sum, value) => sum + (value - mean) ** 2, 0) / width;
    const inverseDeviation = 1 / Math.sqrt(variance + epsilon);
    return { normalized: values.map((value) => (value - mean) * inverseDeviation), inverseDeviation };
  });
}

export const normRows = {
  PeftLayerNorm: {
    inputs: ['x', 'gain', 'bias'],
    attributes: epsilonOf,
    shape: (inputs) => requireWidth(inputs, [1, 2]),
    reference: ({ inputs, attributes: { epsilon } }) => {
      const [x, gain, bias] = inputs as readonly [HostTensor, HostTensor, HostTensor];
      const rows = standardize(x, epsilon);
      return [
        rows.flatMap(({ normalized }) =>
          Array.from(normalized, (value, i) => value * (gain.data[i] as number) + (bias.data[i] as number)),
        ),
      ];
    },
    onnx: ({ write, inputs, attributes: { epsilon } }) => [
      write.node('LayerNormalization', inputs, { axis: -1, epsilon: { float: epsilon } }),
    ],
  } satisfies OpRow<Epsilon>,

  PeftLayerNormGrad: {
    inputs: ['x', 'gain', 'dy'],
    attributes: epsilonOf,
    shape: (inputs) => requireWidth(inputs, [1]),
    reference: ({ inputs, attributes: { epsilon } }) => {
      const [x, gain, dy] = inputs as readonly [HostTensor, HostTensor, HostTensor];
      const width = x.shape.at(-1) as number;
      return [
        standardize(x, epsilon).flatMap(({ normalized, inverseDeviation }, row) => {
          const scaled = Array.from(
            normalized,
            (_, i) => (dy.data[row * width + i] as number) * (gain.data[i] as number),
          );
          const mean = scaled.reduce((sum, value) => sum + value, 0) / width;
          const along = scaled.reduce((sum, value, i) => sum + value * (normalized[i] as number), 0) / width;
          return scaled.map((value, i) => inverseDeviation * (value - mean - (normalized[i] as number) * along));
        }),
      ];
    },
    onnx: ({ write, inputs, attributes: { epsilon } }) => {
      const [x, gain, dy] = inputs as readonly [string, string, string];
      const axes = write.constant('int64', [-1]);
      const mean = (value: string) => write.node('ReduceMean', [value, axes], { keepdims: 1 });
      const centered = write.node('Sub', [x, mean(x)]);
      const variance = mean(write.node('Mul', [centered, centered]));
      const deviation = write.node('Sqrt', [write.node('Add', [variance, write.constant('float32', epsilon)])]);
      const normalized = write.node('Div', [centered, deviation]);
      const scaled = write.node('Mul', [dy, gain]);
      const along = write.node('Mul', [normalized, mean(write.node('Mul', [scaled, normalized]))]);
      const across = write.node('Sub', [write.node('Sub', [scaled, mean(scaled)]), along]);
      return [write.node('Div', [across, deviation])];
    },
  } satisfies OpRow<Epsilon>,
};
