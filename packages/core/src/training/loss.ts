import { PeftError, softmaxCrossEntropy } from '@peft/ops';
import type { Scalar, Tensor, Tensor2D } from '@tensorflow/tfjs';
import * as tf from '@tensorflow/tfjs';
import type { HostArray } from '../hostArray.ts';
import type { FrozenLinear, TensorBatch } from '../model.ts';
import { checkLabels } from './checkLabels.ts';
import { column } from './column.ts';
import { rightRows } from './rightRows.ts';

/** The host arrays of one batch by name. */
export type HostBatch = Readonly<Record<string, HostArray>>;

/** The linear layer that makes a model's output, as a loss uses it. */
export interface Head {
  /** Hidden states [rows, in] that it reads: of every row of the output, or of `rows` alone (int32 [n]). */
  states(rows?: Tensor): Tensor;
  /** Its output [rows, out] of these states, adapters included. */
  output(states: Tensor): Tensor;
  /** Its weight, where nothing adapts or trains it. */
  readonly frozen: FrozenLinear | undefined;
}

/** What a loss makes of a head: the sum, and its metrics, which are computed when asked for. */
export type HeadFigures = {
  readonly sum: Scalar;
  readonly metrics?: Readonly<Record<string, () => Scalar>>;
};

/**
 * What a run minimises, as a sum over counted items and their number, so that micro-batches and unequal last batches
 * weigh what they should. Metrics are sums over the same items and are reported as means.
 */
export interface Loss {
  readonly name: string;
  /** What it was made with. A save records the plain values among these, and resuming with others is refused. */
  readonly options?: object;
  /** Counted items of a batch: examples, or tokens that are not ignored. */
  count(batch: HostBatch): number;
  /** Sum of the items' losses. Traced. */
  sum(output: Tensor, batch: TensorBatch): Scalar;
  readonly metrics?: Readonly<Record<string, (output: Tensor, batch: TensorBatch) => Scalar>>;
  /** `sum` and `metrics` without the whole output, for models that have a `linearHead`. Traced. */
  ofHead?(head: Head, batch: TensorBatch): HeadFigures;
  /** The batch with columns that the host derives from it, such as a list of the rows that count. */
  prepare?(batch: HostBatch): HostBatch;
  /** Figures of an evaluation that follow from its mean loss, such as perplexity. */
  readonly fromMean?: Readonly<Record<string, (loss: number) => number>>;
  /** Refuses a batch that would be silently wrong; `outputSize` is the model's, where fixed. */
  check?(batch: HostBatch, outputSize: number | undefined): void;
}

export type ClassificationOptions = {
  /** Column with int32 class indices, one per row of the output. */
  readonly labels?: string;
  /** Label of rows that do not count. */
  readonly ignore?: number;
};

/** Softmax cross-entropy of output [..., classes] against int32 labels [...], with accuracy as its metric. */
export function classification({ labels = 'labels', ignore = -100 }: ClassificationOptions = {}): Loss {
  const rowsOf = (output: Tensor, batch: TensorBatch) => ({
    logits: tf.reshape(output, [-1, output.shape.at(-1) as number]) as Tensor2D,
    classes: tf.reshape(batch[labels] as Tensor, [-1]) as tf.Tensor1D,
  });
  return {
    name: 'classification',
    options: { labels, ignore },
    count: (batch) =>
      (column(batch, labels).data as Int32Array).reduce((n, label) => n + (label === ignore ? 0 : 1), 0),
    sum(output, batch) {
      const { logits, classes } = rowsOf(output, batch);
      return softmaxCrossEntropy(logits, classes, { ignore });
    },
    metrics: {
      accuracy(output, batch) {
        const { logits, classes } = rowsOf(output, batch);
        return rightRows(logits, { labels: classes, ignore });
      },
    },
    check: (batch, outputSize) => checkLabels(batch, { labels, ignore, outputSize }),
  };
}

/** Mean squared error of the output against a float32 column of the same shape. */
export function regression({ targets = 'targets' }: { readonly targets?: string } = {}): Loss {
  return {
    name: 'regression',
    options: { targets },
    count: (batch) => column(batch, targets).data.length,
    sum(output, batch) {
      const wanted = batch[targets] as Tensor;
      if (output.shape.join() !== wanted.shape.join()) {
        throw new PeftError(
          'data/shape',
          `batch column "${targets}" has shape [${wanted.shape}] but the model's output has [${output.shape}]; regression compares them element by element.`,
        );
      }
      return tf.sum(tf.squaredDifference(output, wanted)) as Scalar;
    },
    check(batch) {
      const { dtype } = column(batch, targets);
      if (dtype.startsWith('float')) return;
      throw new PeftError('data/targets', `batch column "${targets}" is ${dtype}; regression targets must be floats.`);
    },
  };
}
