import { i32, i64, nothing, reads, updates, writes } from '../plan/command.ts';
import { type Operand, viewOf } from '../plan/operand.ts';
import { bytesPerNumber, storageTags } from '../plan/storage.ts';
import type { CudaRows, LoweringCall } from './cudaRow.ts';
import type { Emitter } from './emitter.ts';

type Ops =
  | 'PeftSoftmaxCrossEntropy'
  | 'PeftSoftmaxCrossEntropyGrad'
  | 'PeftLinearCrossEntropy'
  | 'PeftLinearCrossEntropyWithGradient';

type LinearLoss = { readonly ignore: number; readonly transposeWeight: boolean };

export const lossRows: CudaRows<Ops> = {
  PeftSoftmaxCrossEntropy: {
    exact: [0],
    lower: ({ inputs, attributes: { ignore }, outputs, emit }) => {
      const [logits, labels] = inputs as readonly [Operand, Operand];
      const losses = emit.scratch(labels.shape, 'f32');
      emitRows(emit, { logits, labels, ignore, losses });
      emitSum(emit, losses, outputs[0] as Operand);
    },
  },

  PeftSoftmaxCrossEntropyGrad: {
    inPlace: [0],
    lower: ({ inputs, attributes: { ignore }, outputs, emit }) => {
      const [logits, labels, dy] = inputs as readonly [Operand, Operand, Operand];
      emitRows(emit, { logits, labels, ignore, dy, gradient: outputs[0] as Operand });
    },
  },

  PeftLinearCrossEntropy: { lower: lowerLinear, exact: [0] },
  PeftLinearCrossEntropyWithGradient: { lower: lowerLinear, exact: [0] },
};

/** Bytes of logits that live at one time, in whole tiles of rows: enough rows to fill the device with one product. */
const chunkBytes = 192 * 2 ** 20;
const tileRows = 128;

/** The head and its loss, some rows at a time: logits of all rows never exist. */
function lowerLinear({ inputs, attributes, outputs, emit }: LoweringCall<LinearLoss>): void {
  const [hidden, weight, labels, bias] = inputs as readonly [Operand, Operand, Operand, Operand?];
  const [sum, gradient] = outputs as readonly [Operand, Operand?];
  const { ignore, transposeWeight } = attributes;
  const [rows, size] = hidden.shape as readonly [number, number];
  const classes = weight.shape[transposeWeight ? 0 : 1] as number;
  const storage = emit.precision === 'bf16' ? 'bf16' : 'f32';
  const most = Math.floor(chunkBytes / (classes * bytesPerNumber(storage)) / tileRows) * tileRows;
  const chunk = Math.min(rows, Math.max(tileRows, most));
  const losses = emit.scratch([rows], 'f32');
  const logits = emit.scratch([chunk, classes], storage);
  for (let first = 0; first < rows; first += chunk) {
    const count = Math.min(chunk, rows - first);
    const ofRows = (vector: Operand) => viewOf(vector, [count], first * bytesPerNumber(vector.storage));
    const part = viewOf(logits, [count, classes]);
    emit.product({
      a: matrixRows(hidden, [first, count, size]),
      b: weight,
      c: part,
      transposeB: transposeWeight,
      ...(bias && { bias }),
    });
    const each = { logits: part, labels: ofRows(labels), ignore, losses: ofRows(losses) };
    emitRows(emit, gradient ? { ...each, gradient: part } : each);
    if (gradient) {
      emit.product({
        a: part,
        b: weight,
        c: matrixRows(gradient, [first, count, size]),
        transposeB: !transposeWeight,
      });
    }
  }
  emitSum(emit, losses, sum);
}

/** Rows first to first + count of a matrix. */
function matrixRows(operand: Operand, [first, count, width]: readonly [number, number, number]): Operand {
  return viewOf(operand, [count, width], first * width * bytesPerNumber(operand.storage));
}

interface CrossEntropyRows {
  readonly logits: Operand;
  readonly labels: Operand;
  readonly ignore: number;
  readonly losses?: Operand;
  /** May be the logits. */
  readonly gradient?: Operand;
  readonly dy?: Operand;
}

function emitRows(emit: Emitter, { logits, labels, ignore, losses, gradient, dy }: CrossEntropyRows): void {
  const [rows, classes] = logits.shape as readonly [number, number];
  const isInPlace = gradient?.region === logits.region && gradient.offset === logits.offset;
  emit.kernel({
    kernel: { file: 'loss', name: 'crossEntropy' },
    blocks: rows,
    threads: classes <= 1024 ? 128 : 256,
    arguments: [
      isInPlace ? updates(logits) : reads(logits),
      reads(labels),
      losses ? writes(losses) : nothing,
      gradient ? (isInPlace ? updates(gradient) : writes(gradient)) : nothing,
      dy ? reads(dy) : nothing,
      i64(rows),
      i32(classes),
      i32(ignore),
      i32(storageTags[logits.storage]),
      i32(storageTags[gradient?.storage ?? 'f32']),
      i32(storageTags[dy?.storage ?? 'f32']),
    ],
  });
}

function emitSum(emit: Emitter, losses: Operand, sum: Operand): void {
  const rows = losses.shape[0] as number;
  emit.kernel({
    kernel: { file: 'loss', name: 'sumLosses' },
    blocks: 1,
    threads: rows > 256 ? 1024 : 128,
    arguments: [reads(losses), writes(sum), i64(rows), i32(storageTags[sum.storage])],
  });
}
