import { GraphError } from '../graphError.ts';
import type { OnnxWriter } from '../onnx/onnxWriter.ts';
import type { TensorType } from '../tensorType.ts';
import { requireDType } from './elementwise.ts';
import { softmaxRows } from './matrixRows.ts';
import type { HostTensor, OpRow } from './opRow.ts';

type Ignore = { readonly ignore: number };

const ignoreOf = (raw: Readonly<Record<string, unknown>>) => ({ ignore: Number(raw.ignore) });

function requireLabels(inputs: readonly TensorType[]): TensorType {
  const [logits, labels] = inputs as readonly [TensorType, TensorType];
  requireDType(labels, ['int32']);
  if (`${labels.shape}` === `${logits.shape[0]}` && logits.shape.length === 2) return logits;
  throw new GraphError(
    'graph/shape',
    `logits [${logits.shape}] need one label a row, got labels [${labels.shape}]; fold both to rows.`,
  );
}

export const lossRows = {
  PeftSoftmaxCrossEntropy: {
    inputs: ['logits', 'labels'],
    attributes: ignoreOf,
    shape: (inputs) => [{ shape: [], dtype: requireLabels(inputs).dtype }],
    reference: ({ inputs, attributes: { ignore } }) => {
      const [logits, labels] = inputs as readonly [HostTensor, HostTensor];
      const classes = logits.shape[1] as number;
      let sum = 0;
      for (let row = 0; row < labels.data.length; row++) {
        const label = labels.data[row] as number;
        if (label === ignore) continue;
        sum += label >= 0 && label < classes ? lossOfRow(logits.data, row * classes, { classes, label }) : Number.NaN;
      }
      return [[sum]];
    },
    onnx: ({ write, inputs, types, attributes: { ignore } }) => {
      const [logits, labels] = inputs as readonly [string, string];
      const classes = (types[0] as TensorType).shape[1] as number;
      const { counted, known, places } = readLabels(write, { labels, classes, ignore });
      const logs = write.node('LogSoftmax', [logits], { axis: 1 });
      const chosen = write.node('GatherElements', [logs, places], { axis: 1 });
      const losses = write.node('Neg', [write.node('Squeeze', [chosen, write.constant('int64', [1])])]);
      const number = (value: number) => write.constant('float32', value);
      const otherwise = write.node('Where', [known, number(0), number(Number.NaN)]);
      return [write.node('ReduceSum', [write.node('Where', [counted, losses, otherwise])], { keepdims: 0 })];
    },
  } satisfies OpRow<Ignore>,

  PeftSoftmaxCrossEntropyGrad: {
    inputs: ['logits', 'labels', 'dy'],
    attributes: ignoreOf,
    shape: (inputs) => [requireLabels(inputs)],
    reference: ({ inputs, attributes: { ignore } }) => {
      const [logits, labels, dy] = inputs as readonly [HostTensor, HostTensor, HostTensor];
      const classes = logits.shape[1] as number;
      const shares = softmaxRows(logits.data, classes);
      return [
        shares.map((share, index) => {
          const label = labels.data[Math.floor(index / classes)] as number;
          const counts = label !== ignore && label >= 0 && label < classes;
          return counts ? (share - Number(label === index % classes)) * (dy.data[0] as number) : 0;
        }),
      ];
    },
    onnx: ({ write, inputs, types, attributes: { ignore } }) => {
      const [logits, labels, dy] = inputs as readonly [string, string, string];
      const classes = (types[0] as TensorType).shape[1] as number;
      const { counted, places } = readLabels(write, { labels, classes, ignore });
      const live = write.node('Where', [counted, dy, write.constant('float32', 0)]);
      const weight = write.node('Unsqueeze', [live, write.constant('int64', [1])]);
      const shares = write.node('Mul', [write.node('Softmax', [logits], { axis: 1 }), weight]);
      const less = write.node('Neg', [weight]);
      return [write.node('ScatterElements', [shares, places, less], { axis: 1, reduction: 'add' })];
    },
  } satisfies OpRow<Ignore>,
};

interface RowLabel {
  readonly classes: number;
  readonly label: number;
}

export function lossOfRow(logits: ArrayLike<number>, start: number, { classes, label }: RowLabel): number {
  const row = Array.from({ length: classes }, (_, i) => logits[start + i] as number);
  const top = Math.max(...row);
  return top + Math.log(row.reduce((sum, value) => sum + Math.exp(value - top), 0)) - (row[label] as number);
}

interface Labels extends Ignore {
  readonly labels: string;
  readonly classes: number;
}

/** Which rows count, which labels have a meaning, and the class of each row (0 where it counts nothing), int64 [rows, 1]. */
export function readLabels(write: OnnxWriter, { labels, classes, ignore }: Labels) {
  const number = (value: number) => write.constant('int32', value);
  const above = write.node('GreaterOrEqual', [labels, number(0)]);
  const inside = write.node('And', [above, write.node('Less', [labels, number(classes)])]);
  const ignored = write.node('Equal', [labels, number(ignore)]);
  const counted = write.node('And', [inside, write.node('Not', [ignored])]);
  const safe = write.node('Cast', [write.node('Where', [counted, labels, number(0)])], { to: 7 });
  return {
    counted,
    known: write.node('Or', [inside, ignored]),
    places: write.node('Unsqueeze', [safe, write.constant('int64', [1])]),
  };
}
