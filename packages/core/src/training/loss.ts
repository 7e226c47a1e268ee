import { PeftError, softmaxCrossEntropy } from '@peft/ops';
import type { Scalar, Tensor, Tensor2D } from '@tensorflow/tfjs';
import * as tf from '@tensorflow/tfjs';
import type { HostArray } from '../hostArray.ts';
import type { TensorBatch } from '../model.ts';

/** The host arrays of one batch by name. */
export type HostBatch = Readonly<Record<string, HostArray>>;

/**
 * What a run minimises, as a sum over counted items and their number, so that micro-batches and unequal last batches
 * weigh what they should. Metrics are sums over the same items and are reported as means.
 */
export interface Loss {
  readonly name: string;
  /** Counted items of a batch: examples, or tokens that are not ignored. */
  count(batch: HostBatch): number;
  /** Sum of the items' losses. Traced. */
  sum(output: Tensor, batch: TensorBatch): Scalar;
  readonly metrics?: Readonly<Record<string, (output: Tensor, batch: TensorBatch) => Scalar>>;
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
    count: (batch) =>
      (column(batch, labels).data as Int32Array).reduce((n, label) => n + (label === ignore ? 0 : 1), 0),
    sum(output, batch) {
      const { logits, classes } = rowsOf(output, batch);
      return softmaxCrossEntropy(logits, classes, { ignore });
    },
    metrics: {
      accuracy(output, batch) {
        const { logits, classes } = rowsOf(output, batch);
        const isRight = tf.logicalAnd(tf.equal(tf.argMax(logits, 1), classes), tf.notEqual(classes, ignore));
        return tf.sum(tf.cast(isRight, 'float32')) as Scalar;
      },
    },
    check(batch, outputSize) {
      const array = column(batch, labels);
      if (array.dtype !== 'int32') {
        throw new PeftError('data/labels', `batch column "${labels}" is ${array.dtype}; class indices must be int32.`);
      }
      const limit = outputSize ?? Number.POSITIVE_INFINITY;
      const wrong = (array.data as Int32Array).findIndex((label) => label !== ignore && (label < 0 || label >= limit));
      if (wrong >= 0) {
        const range =
          outputSize === undefined
            ? 'labels are whole numbers from 0 on'
            : `the model has ${outputSize} classes, so labels are 0 to ${outputSize - 1}`;
        throw new PeftError(
          'data/labels',
          `batch column "${labels}" holds label ${array.data[wrong]} at position ${wrong}; ${range}, or ${ignore} to ignore a row.`,
        );
      }
    },
  };
}

/** Mean squared error of the output against a float32 column of the same shape. */
export function regression({ targets = 'targets' }: { readonly targets?: string } = {}): Loss {
  return {
    name: 'regression',
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

function column(batch: HostBatch, name: string): HostArray {
  const array = batch[name];
  if (array) return array;
  throw new PeftError('data/column', `the batch has no column "${name}"; it has ${Object.keys(batch).join(', ')}.`);
}
