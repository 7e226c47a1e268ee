import { linearCrossEntropy, PeftError, softmaxCrossEntropy } from '@peft/ops';
import type { Scalar, Tensor } from '@tensorflow/tfjs';
import * as tf from '@tensorflow/tfjs';
import type { TensorBatch } from '../model.ts';
import { refuseUnknown } from '../refuseUnknown.ts';
import { checkLabels } from './checkLabels.ts';
import { column } from './column.ts';
import { type Counting, countedRows } from './countedRows.ts';
import type { Head, HostBatch, Loss } from './loss.ts';
import { type Labelled, rightRows, rightRowsInChunks } from './rightRows.ts';

export type LanguageModelingOptions = {
  /** Column with int32 token ids [sequences, length], as transformers' `labels`. */
  readonly labels?: string;
  /** Label of tokens that do not count. */
  readonly ignore?: number;
  /** Whether evaluation measures the share of counted tokens guessed right, for a second product with the head. */
  readonly accuracy?: boolean;
};

/** Rows whose logits accuracy holds at once: 64 MB of them with GPT-2's vocabulary. */
const chunkRows = 320;

/** What the host adds to a batch: the labels of the rows the head is asked for, and which rows those are if not all. */
const [labelColumn, rowColumn] = ['headLabels', 'headRows'];

/**
 * Cross-entropy of logits [sequences, length, vocabulary] against the token after each position: labels are those of the
 * tokens themselves, shifted here. A sequence's first label counts nothing.
 */
export function causalLanguageModeling(options: LanguageModelingOptions = {}): Loss {
  return tokenLoss('causalLanguageModeling', 1, options);
}

/** Cross-entropy of logits [sequences, length, vocabulary] against the token that stood at each masked position. */
export function maskedLanguageModeling(options: LanguageModelingOptions = {}): Loss {
  return tokenLoss('maskedLanguageModeling', 0, options);
}

function tokenLoss(name: string, shift: Counting['shift'], options: LanguageModelingOptions): Loss {
  refuseUnknown(name, options, ['labels', 'ignore', 'accuracy']);
  const { labels, ignore, accuracy } = { labels: 'labels', ignore: -100, accuracy: false, ...options };
  const allLabels = (batch: TensorBatch) => alignedLabels(batch[labels] as Tensor, { ignore, shift });
  const asRows = (output: Tensor) => tf.reshape(output, [-1, output.shape.at(-1) as number]);
  return {
    name,
    options: { labels, ignore },
    count(batch) {
      const { data, shape } = column(batch, labels);
      const length = shape.at(-1) ?? 1;
      const isCounted = (label: number, index: number) => index % length >= shift && label !== ignore;
      return (data as Int32Array).reduce((count, label, index) => count + (isCounted(label, index) ? 1 : 0), 0);
    },
    prepare(batch) {
      const counted = countedRows(column(batch, labels), { ignore, shift });
      return { ...batch, [labelColumn]: counted.labels, ...(counted.rows && { [rowColumn]: counted.rows }) };
    },
    sum: (output, batch) => softmaxCrossEntropy(asRows(output), allLabels(batch), { ignore }),
    ofHead(head, batch) {
      const states = head.states(batch[rowColumn]);
      const labelled = { labels: batch[labelColumn] ?? allLabels(batch), ignore };
      const measure = () => rightRowsInChunks(head.output, states, { ...labelled, chunk: chunkRows });
      return { sum: sumOf(head, states, labelled), ...(accuracy && { metrics: { accuracy: measure } }) };
    },
    ...(accuracy && {
      metrics: {
        accuracy: (output: Tensor, batch: TensorBatch) =>
          rightRows(asRows(output), { labels: allLabels(batch), ignore }),
      },
    }),
    fromMean: { perplexity: Math.exp },
    check(batch, outputSize) {
      checkLabels(batch, { labels, ignore, outputSize });
      checkShape(batch, labels);
    },
  };
}

/** The label of every row, `ignore` where none follows. */
function alignedLabels(labels: Tensor, { ignore, shift }: Counting): Tensor {
  if (shift === 0) return tf.reshape(labels, [-1]);
  const [sequences, length] = labels.shape as [number, number];
  const following = tf.slice(labels, [0, 1], [sequences, length - 1]);
  return tf.reshape(
    tf.pad(
      following,
      [
        [0, 0],
        [0, 1],
      ],
      ignore,
    ),
    [-1],
  );
}

function sumOf(head: Head, states: Tensor, { labels, ignore }: Labelled): Scalar {
  const { frozen } = head;
  if (!frozen) return softmaxCrossEntropy(head.output(states), labels, { ignore });
  const { weight, bias, isTransposed } = frozen;
  return linearCrossEntropy(states, weight, labels, { ignore, transposeWeight: isTransposed, ...(bias && { bias }) });
}

function checkShape(batch: HostBatch, name: string): void {
  const { shape } = column(batch, name);
  if (shape.length === 2) return;
  throw new PeftError(
    'data/labels',
    `batch column "${name}" has shape [${shape}]; labels of a language model are [sequences, length], one for each token.`,
  );
}
