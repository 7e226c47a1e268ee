import { GraphError } from '../graphError.ts';
import { sizeOf, type TensorType } from '../tensorType.ts';
import { requireDType } from './elementwise.ts';
import { broadcastShape, broadcastStrides, readView } from './indexing.ts';
import { softmaxRows } from './matrixRows.ts';
import type { HostTensor, OnnxCall, OpRow, ReferenceCall } from './opRow.ts';

export type Attention = { readonly scale: number; readonly causal: boolean };
type Scale = { readonly scale: number };

/** What is added to the score of a key that a causal query does not see. */
const hidden = -1e9;

export const attentionRows = {
  /** The output, and the probabilities that its gradient reads. */
  PeftAttention: {
    inputs: ['query', 'key', 'value', 'mask'],
    lastIsOptional: true,
    outputs: 'list',
    attributes: (raw) => ({ scale: Number(raw.scale), causal: raw.causal === true }),
    shape: attentionShapes,
    reference: attend,
    onnx: lowerAttention,
  } satisfies OpRow<Attention>,

  /** The gradient of query . key', which is that of the scores times their scale. */
  PeftAttentionGrad: {
    inputs: ['value', 'probabilities', 'dy'],
    attributes: (raw) => ({ scale: Number(raw.scale) }),
    shape: (inputs) => {
      for (const each of inputs) requireDType(each, ['float32']);
      const [value, probabilities, dy] = inputs as readonly [TensorType, TensorType, TensorType];
      const [keys, width] = value.shape.slice(-2);
      const batch = value.shape.slice(0, -2);
      const queries = dy.shape.at(-2);
      const fit = `${probabilities.shape}|${dy.shape}` === `${[...batch, queries, keys]}|${[...batch, queries, width]}`;
      if (fit && dy.shape.length >= 2) return [probabilities];
      throw new GraphError('graph/shape', `no attention has ${inputs.map(({ shape }) => `[${shape}]`).join(', ')}.`);
    },
    reference: ({ inputs, attributes: { scale } }) => {
      const [value, probabilities, dy] = inputs as readonly [HostTensor, HostTensor, HostTensor];
      const [queries, width] = dy.shape.slice(-2) as [number, number];
      const keys = probabilities.shape.at(-1) as number;
      const result = Float64Array.from(probabilities.data, (_, index) => {
        const row = Math.floor(index / keys);
        const place = Math.floor(row / queries) * keys + (index % keys);
        let sum = 0;
        for (let i = 0; i < width; i++) {
          sum += (dy.data[row * width + i] as number) * (value.data[place * width + i] as number);
        }
        return sum * scale;
      });
      for (let start = 0; start < result.length; start += keys) {
        const row = result.subarray(start, start + keys);
        const share = (i: number) => probabilities.data[start + i] as number;
        const mean = row.reduce((sum, each, i) => sum + each * share(i), 0);
        for (const [i, each] of row.entries()) row[i] = share(i) * (each - mean);
      }
      return [result];
    },
    onnx: ({ write, inputs, types, attributes: { scale } }) => {
      const [value, probabilities, dy] = inputs as readonly [string, string, string];
      const direct =
        write.dialect === 'onnxruntime'
          ? write.ofRuntime('FusedMatMul', [dy, value], { transB: 1, alpha: { float: scale } })
          : write.node('MatMul', [
              write.node('Mul', [dy, write.constant('float32', scale)]),
              turned(write, value, types[0] as TensorType),
            ]);
      const weighted = write.node('Mul', [direct, probabilities]);
      const mean = write.node('ReduceSum', [weighted, write.constant('int64', [-1])], { keepdims: 1 });
      return [write.node('Mul', [probabilities, write.node('Sub', [direct, mean])])];
    },
  } satisfies OpRow<Scale>,
};

/** Of the output [..., queries, width] and the probabilities [..., queries, keys]. */
export function attentionShapes(inputs: readonly TensorType[]): readonly TensorType[] {
  for (const each of inputs) requireDType(each, ['float32']);
  const [query, key, value, mask] = inputs as readonly [TensorType, TensorType, TensorType, TensorType?];
  const [queries, size] = query.shape.slice(-2) as [number, number];
  const [keys, width] = value.shape.slice(-2) as [number, number];
  const batch = query.shape.slice(0, -2);
  const scores = [...batch, queries, keys];
  const fit =
    query.shape.length >= 2 &&
    `${key.shape}` === `${[...batch, keys, size]}` &&
    `${value.shape}` === `${[...batch, keys, width]}` &&
    (!mask || `${broadcastShape(mask.shape, scores)}` === `${scores}`);
  if (fit) {
    return [
      { shape: [...batch, queries, width], dtype: 'float32' },
      { shape: scores, dtype: 'float32' },
    ];
  }
  throw new GraphError(
    'graph/shape',
    'attention takes [..., queries, size], [..., keys, size], [..., keys, width] and a mask of the scores, got ' +
      `${inputs.map(({ shape }) => `[${shape}]`).join(', ')}.`,
  );
}

function attend({ inputs, attributes, outputs }: ReferenceCall<Attention>): readonly Float64Array[] {
  const [query, key, value, mask] = inputs as readonly [HostTensor, HostTensor, HostTensor, HostTensor?];
  const [output, scores] = outputs as readonly [TensorType, TensorType];
  const [queries, keys] = scores.shape.slice(-2) as [number, number];
  const width = value.shape.at(-1) as number;
  const probabilities = softmaxRows(maskedScores({ query, key, mask, ...attributes }), keys);
  const result = new Float64Array(sizeOf(output.shape));
  for (const [index, probability] of probabilities.entries()) {
    const row = Math.floor(index / keys);
    const place = Math.floor(row / queries) * keys + (index % keys);
    for (let i = 0; i < width; i++) {
      result[row * width + i] =
        (result[row * width + i] as number) + probability * (value.data[place * width + i] as number);
    }
  }
  return [result, probabilities];
}

type Scores = Attention & { readonly query: HostTensor; readonly key: HostTensor; readonly mask?: HostTensor };

/** scale * query . key' + mask, [..., queries, keys]. */
export function maskedScores({ query, key, mask, scale, causal }: Scores): Float64Array {
  const [queries, size] = query.shape.slice(-2) as [number, number];
  const keys = key.shape.at(-2) as number;
  const shape = [...query.shape.slice(0, -1), keys];
  const added = mask && readView(mask.data, shape, { strides: broadcastStrides(mask.shape, shape) });
  return Float64Array.from({ length: sizeOf(shape) }, (_, index) => {
    const row = Math.floor(index / keys);
    const place = Math.floor(row / queries) * keys + (index % keys);
    let sum = 0;
    for (let i = 0; i < size; i++)
      sum += (query.data[row * size + i] as number) * (key.data[place * size + i] as number);
    const isLater = (index % keys) - (row % queries) > keys - queries;
    return sum * scale + (added?.[index] ?? 0) + (causal && isLater ? hidden : 0);
  });
}

function lowerAttention({ write, inputs, types, attributes, outputs }: OnnxCall<Attention>): readonly string[] {
  const value = inputs[2] as string;
  const { shape } = outputs[1] as TensorType;
  const scores = lowerScores({ write, inputs, types, attributes, shape });
  const probabilities = write.node('Softmax', [scores], { axis: -1 });
  return [write.node('MatMul', [probabilities, value]), probabilities];
}

interface ScoresCall extends Pick<OnnxCall<Attention>, 'write' | 'inputs' | 'types' | 'attributes'> {
  /** Of the scores. */
  readonly shape: readonly number[];
}

/** scale * query . key' + mask of [query, key, value, mask?]. */
export function lowerScores({ write, inputs, types, attributes, shape }: ScoresCall): string {
  const [query, key, , mask] = inputs as readonly [string, string, string, string?];
  const { scale, causal } = attributes;
  const scores =
    write.dialect === 'onnxruntime'
      ? write.ofRuntime('FusedMatMul', [query, key], { transB: 1, alpha: { float: scale } })
      : write.node('MatMul', [
          write.node('Mul', [query, write.constant('float32', scale)]),
          turned(write, key, types[1] as TensorType),
        ]);
  const [queries, keys] = shape.slice(-2) as [number, number];
  const later = causal ? [hiddenLater(write, queries, keys)] : [];
  const [first, second] = [...(mask === undefined ? [] : [mask]), ...later];
  const hides = first && second ? write.node('Add', [first, second]) : first;
  return hides ? write.node('Add', [scores, hides]) : scores;
}

/** [queries, keys], made where it is used: a constant would be as large as the scores of one head. */
function hiddenLater(write: OnnxCall<Attention>['write'], queries: number, keys: number): string {
  const shape = write.constant('int64', [queries, keys]);
  const all = write.node('Expand', [write.constant('float32', hidden), shape]);
  return write.node('Trilu', [all, write.constant('int64', keys - queries + 1)], { upper: 1 });
}

/** `x` with its last two axes exchanged. */
export function turned(write: OnnxCall<unknown>['write'], x: string, { shape }: TensorType): string {
  const axes = [...shape.keys()];
  return write.node('Transpose', [x], { perm: [...axes.slice(0, -2), axes.at(-1) as number, axes.at(-2) as number] });
}
