import { GraphError } from '../graphError.ts';
import type { TensorType } from '../tensorType.ts';
import { requireDType } from './elementwise.ts';
import { lossOfRow, readLabels } from './lossRows.ts';
import { softmaxRows } from './matrixRows.ts';
import type { HostTensor, OnnxCall, OpRow, ReferenceCall } from './opRow.ts';

type LinearLoss = { readonly ignore: number; readonly chunk: number; readonly transposeWeight: boolean };

const row = (hasGradient: boolean): OpRow<LinearLoss> => ({
  inputs: ['hidden', 'weight', 'labels', 'bias'],
  lastIsOptional: true,
  outputs: 'list',
  attributes: (raw) => ({
    ignore: Number(raw.ignore),
    chunk: Number(raw.chunk),
    transposeWeight: raw.transposeWeight === true,
  }),
  shape: (inputs, attributes) => {
    const hidden = requireHead(inputs, attributes);
    const sum: TensorType = { shape: [], dtype: 'float32' };
    return hasGradient ? [sum, hidden] : [sum];
  },
  reference: (call) => (hasGradient ? reference(call) : reference(call).slice(0, 1)),
  onnx: (call) => lower(call, hasGradient),
});

/** The frozen head with its loss: the sum alone, or with its gradient by `hidden`. */
export const linearLossRows = {
  PeftLinearCrossEntropy: row(false),
  PeftLinearCrossEntropyWithGradient: row(true),
};

function requireHead(inputs: readonly TensorType[], { transposeWeight }: LinearLoss): TensorType {
  const [hidden, weight, labels, bias] = inputs as readonly [TensorType, TensorType, TensorType, TensorType?];
  for (const each of [hidden, weight, ...(bias ? [bias] : [])]) requireDType(each, ['float32']);
  requireDType(labels, ['int32']);
  const [size, classes] = transposeWeight ? weight.shape.toReversed() : weight.shape;
  const areMatrices = hidden.shape.length === 2 && weight.shape.length === 2;
  const fit = hidden.shape[1] === size && `${labels.shape}` === `${hidden.shape[0]}`;
  if (areMatrices && fit && (!bias || `${bias.shape}` === `${classes}`)) return hidden;
  throw new GraphError(
    'graph/shape',
    `a head takes hidden [rows, size], weight [size, classes], labels [rows] and bias [classes], got ` +
      `${inputs.map(({ shape }) => `[${shape}]`).join(', ')}.`,
  );
}

function reference({
  inputs,
  attributes: { ignore, transposeWeight },
}: ReferenceCall<LinearLoss>): [number[], Float64Array] {
  const [hidden, weight, labels, bias] = inputs as readonly [HostTensor, HostTensor, HostTensor, HostTensor?];
  const [rows, size] = hidden.shape as readonly [number, number];
  const classes = weight.data.length / size;
  const at = (i: number, kind: number) => weight.data[transposeWeight ? kind * size + i : i * classes + kind] as number;
  const gradient = new Float64Array(rows * size);
  let sum = 0;
  for (let index = 0; index < rows; index++) {
    const label = labels.data[index] as number;
    if (label === ignore) continue;
    const logits = Float64Array.from({ length: classes }, (_, kind) => {
      let logit = (bias?.data[kind] as number | undefined) ?? 0;
      for (let i = 0; i < size; i++) logit += (hidden.data[index * size + i] as number) * at(i, kind);
      return logit;
    });
    if (label < 0 || label >= classes) {
      sum = Number.NaN;
      continue;
    }
    sum += lossOfRow(logits, 0, { classes, label });
    for (const [kind, share] of softmaxRows(logits, classes).entries()) {
      const excess = share - Number(kind === label);
      for (let i = 0; i < size; i++) {
        gradient[index * size + i] = (gradient[index * size + i] as number) + excess * at(i, kind);
      }
    }
  }
  return [[sum], gradient];
}

function lower(call: OnnxCall<LinearLoss>, hasGradient: boolean): readonly string[] {
  const { write, inputs, types, attributes } = call;
  const [hidden, , labels] = inputs as readonly [string, string, string];
  const rows = types[0]?.shape[0] as number;
  const lengths = Array.from({ length: Math.ceil(rows / attributes.chunk) }, (_, index) =>
    Math.min(attributes.chunk, rows - index * attributes.chunk),
  );
  const parts = (x: string) =>
    lengths.length === 1
      ? [x]
      : write.several('Split', [x, write.constant('int64', lengths)], {
          attributes: { axis: 0 },
          count: lengths.length,
        });
  const [rowParts, labelParts] = [parts(hidden), parts(labels)];
  const sums: string[] = [];
  const gradients: string[] = [];
  for (const [index, part] of rowParts.entries()) {
    // Nothing else would keep an executor from starting all chunks before it ends one.
    const after = [sums.at(-1), gradients.at(-1)].filter((each) => each !== undefined);
    const chunk = { rows: index === 0 ? part : waiting(call, part, after), labels: labelParts[index] as string };
    const [sum, gradient] = lowerChunk(call, chunk, hasGradient);
    sums.push(sum);
    if (gradient !== undefined) gradients.push(gradient);
  }
  const joined = (op: string, list: readonly string[], attributes = {}) =>
    list.length === 1 ? (list[0] as string) : write.node(op, list, attributes);
  return [joined('Sum', sums), ...(hasGradient ? [joined('Concat', gradients, { axis: 0 })] : [])];
}

/** `x` itself, once all of `others` are there. */
function waiting({ write }: OnnxCall<LinearLoss>, x: string, others: readonly string[]): string {
  const first = write.constant('int64', [0]);
  const one = others.map((other) =>
    write.node('Gather', [write.node('Reshape', [other, write.constant('int64', [-1])]), first]),
  );
  const isNone = one.map((value) => write.node('Cast', [write.node('IsNaN', [value])], { to: 1 }));
  const zeros = isNone.map((flag) => write.node('Mul', [flag, write.constant('float32', 0)]));
  return zeros.reduce((sum, zero) => write.node('Add', [sum, zero]), x);
}

interface Chunk {
  readonly rows: string;
  readonly labels: string;
}

function lowerChunk(
  { write, inputs, types, attributes: { ignore, transposeWeight } }: OnnxCall<LinearLoss>,
  { rows, labels }: Chunk,
  hasGradient: boolean,
): readonly [sum: string, gradient?: string] {
  const [weight, bias] = [inputs[1] as string, inputs[3]];
  const classes = types[1]?.shape[transposeWeight ? 0 : 1] as number;
  const product = (x: string, transB: boolean, extra: readonly string[] = []) =>
    transB || extra.length > 0
      ? write.node('Gemm', [x, weight, ...extra], { transB: Number(transB) })
      : write.node('MatMul', [x, weight]);
  const logits = product(rows, transposeWeight, bias === undefined ? [] : [bias]);
  const shares = write.node('Softmax', [logits], { axis: 1 });
  const { counted, known, places } = readLabels(write, { labels, classes, ignore });
  const axis = write.constant('int64', [1]);
  const largest = (x: string) => write.node('ReduceMax', [x, axis], { keepdims: 1 });
  // The largest share is 1 / sum(exp(logits - highest)), never small: a LogSoftmax would be one more pass.
  const partition = write.node('Sub', [largest(logits), write.node('Log', [largest(shares)])]);
  const losses = write.node('Sub', [partition, write.node('GatherElements', [logits, places], { axis: 1 })]);
  const number = (value: number) => write.constant('float32', value);
  const otherwise = write.node('Where', [known, number(0), number(Number.NaN)]);
  const kept = write.node('Where', [counted, write.node('Squeeze', [losses, axis]), otherwise]);
  const sum = write.node('ReduceSum', [kept], { keepdims: 0 });
  if (!hasGradient) return [sum];
  const flat = write.node('Squeeze', [places, axis]);
  const own = write.node('Gather', [weight, flat], { axis: transposeWeight ? 0 : 1 });
  const less = transposeWeight ? own : write.node('Transpose', [own], { perm: [1, 0] });
  const counts = write.node('Unsqueeze', [write.node('Cast', [counted], { to: 1 }), axis]);
  return [sum, write.node('Mul', [write.node('Sub', [product(shares, !transposeWeight), less]), counts])];
}
