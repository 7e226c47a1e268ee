import * as tf from '@tensorflow/tfjs';

/**
 * What the labels of some rows mean: which rows count, which labels are a class or `ignore`, the class of each row (0
 * where it counts nothing), and where in the flat logits that class is.
 */
export function readLabels(labels: tf.Tensor, classes: number, ignore: number) {
  const ignored = tf.equal(labels, tf.scalar(ignore, 'int32'));
  const inside = tf.logicalAnd(
    tf.greaterEqual(labels, tf.scalar(0, 'int32')),
    tf.less(labels, tf.scalar(classes, 'int32')),
  );
  const counted = tf.logicalAnd(inside, tf.logicalNot(ignored));
  const safe = tf.mul(labels, tf.cast(counted, 'int32'));
  return {
    counted,
    known: tf.logicalOr(inside, ignored),
    safe,
    position: tf.add(tf.mul(tf.range(0, labels.size, 1, 'int32'), tf.scalar(classes, 'int32')), safe),
  };
}
