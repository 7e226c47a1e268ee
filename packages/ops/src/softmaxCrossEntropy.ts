import * as tf from '@tensorflow/tfjs';
import { PeftError } from './error.ts';
import { type Composition, operation } from './operation.ts';
import { readLabels } from './readLabels.ts';

type Ignore = { readonly ignore: number };

const gradientOfLogits: Composition<'logits' | 'labels' | 'dy', Ignore> = operation({
  name: 'PeftSoftmaxCrossEntropyGrad',
  compose: ({ logits, labels, dy }, { ignore }) => {
    const [rows, classes] = logits.shape as [number, number];
    const { counted, position } = readLabels(labels, classes, ignore);
    const weight = tf.mul(tf.cast(counted, 'float32'), dy);
    const atLabels = tf.scatterND(position.reshape([rows, 1]), weight, [rows * classes]).reshape([rows, classes]);
    return tf.sub(tf.mul(tf.softmax(logits), weight.reshape([rows, 1])), atLabels);
  },
});

const sumOfLosses: Composition<'logits' | 'labels', Ignore> = operation({
  name: 'PeftSoftmaxCrossEntropy',
  compose: ({ logits, labels }, { ignore }) => {
    const [rows, classes] = logits.shape as [number, number];
    const { counted, known, position } = readLabels(labels, classes, ignore);
    const highest = tf.max(logits, -1);
    // The largest softmax is 1 / sum(exp(logits - highest)): never small, and softmax is one fast kernel on wasm.
    const partition = tf.neg(tf.log(tf.max(tf.softmax(logits), -1)));
    const chosen = tf.gather(logits.reshape([rows * classes]), position);
    const loss = tf.add(partition, tf.sub(highest, chosen));
    return tf.sum(tf.where(counted, loss, tf.where(known, tf.zerosLike(loss), tf.fill([rows], Number.NaN))));
  },
  gradient: {
    saves: ['logits', 'labels'],
    of: (dy, { logits, labels }, { ignore }) => ({
      logits: () => gradientOfLogits({ logits, labels, dy }, { ignore }),
    }),
  },
});

/**
 * Sum over the counted rows of -log softmax(logits)[label], a 0-d tensor; divide by their count for a mean.
 *
 * `logits` [..., classes] float32, `labels` [...] int32. Rows labelled `ignore` (-100) count nothing. A label that is
 * neither a class nor `ignore` cannot be refused without reading it: it makes the sum NaN.
 * @throws PeftError `ops/shape`, `ops/dtype`
 */
export function softmaxCrossEntropy(
  logits: tf.Tensor,
  labels: tf.Tensor,
  { ignore = -100 }: { readonly ignore?: number } = {},
): tf.Scalar {
  if (labels.dtype !== 'int32') {
    throw new PeftError('ops/dtype', `softmaxCrossEntropy needs int32 labels, got ${labels.dtype}; cast them.`);
  }
  if (logits.rank < 1 || `${logits.shape.slice(0, -1)}` !== `${labels.shape}`) {
    throw new PeftError(
      'ops/shape',
      `softmaxCrossEntropy of logits [${logits.shape}] needs labels [${logits.shape.slice(0, -1)}], got [${labels.shape}].`,
    );
  }
  const classes = logits.shape[logits.rank - 1] as number;
  const rows = logits.reshape([labels.size, classes]);
  return sumOfLosses({ logits: rows, labels: labels.reshape([labels.size]) }, { ignore }).asScalar();
}
