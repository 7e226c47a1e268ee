import * as tf from '@tensorflow/tfjs';
import fc from 'fast-check';
import { expect, it } from 'vitest';
import { expectLike } from '../test/expectLike.ts';
import { onEachBackend } from '../test/onEachBackend.ts';
import { softmaxCrossEntropy as reference } from './reference/softmaxCrossEntropy.ts';
import { softmaxCrossEntropy } from './softmaxCrossEntropy.ts';

onEachBackend(() => {
  it('is the reference for any rows, classes and labels, the ignored included', () => {
    const drawn = fc.integer({ min: 1, max: 6 }).chain((classes) =>
      fc.record({
        classes: fc.constant(classes),
        ignore: fc.constantFrom(-100, 0, 3),
        labels: fc.array(fc.integer({ min: 0, max: classes - 1 }), { minLength: 1, maxLength: 6 }),
      }),
    );
    fc.assert(
      fc.property(drawn, ({ classes, ignore, labels }) => {
        const read = tf.tensor1d([...labels, ignore], 'int32');
        expectLike({
          shapes: { logits: [labels.length + 1, classes] },
          output: [],
          run: ({ logits }) => softmaxCrossEntropy(logits, read, { ignore }),
          reference: ({ logits }) => Float64Array.of(reference(logits, [...labels, ignore], ignore)),
          tolerance: 1e-5,
        });
        read.dispose();
      }),
      { numRuns: 30 },
    );
  });

  it('folds leading axes into rows', () => {
    const logits = tf.tensor3d([
      [
        [1, 2],
        [3, 5],
      ],
    ]);
    const loss = softmaxCrossEntropy(logits, tf.tensor2d([[0, 1]], [1, 2], 'int32'));
    expect(loss.shape).toEqual([]);
    expect(loss.arraySync()).toBeCloseTo(Math.log1p(Math.E) + Math.log1p(Math.exp(-2)), 6);
  });

  it('stays finite and exact for logits of any size', () => {
    const logits = tf.tensor2d([
      [1e4, 0],
      [-1e30, 1e30],
      [3e38, 3e38],
    ]);
    expect(softmaxCrossEntropy(logits.slice([0, 0], [1, 2]), tf.tensor1d([1], 'int32')).arraySync()).toBe(1e4);
    expect(softmaxCrossEntropy(logits, tf.tensor1d([0, 1, 0], 'int32')).arraySync()).toBeCloseTo(Math.LN2, 6);
  });

  it('turns a label that is no class into NaN, wherever it stands', () => {
    const logits = tf.zeros([2, 3]);
    for (const label of [3, -1, -99, 2 ** 30]) {
      expect(softmaxCrossEntropy(logits, tf.tensor1d([1, label], 'int32')).arraySync()).toBeNaN();
    }
    expect(softmaxCrossEntropy(logits, tf.tensor1d([-100, -100], 'int32')).arraySync()).toBe(0);
  });

  it('refuses labels of another shape or type', () => {
    expect(() => softmaxCrossEntropy(tf.zeros([2, 3]), tf.zeros([3], 'int32'))).toThrow(
      'softmaxCrossEntropy of logits [2,3] needs labels [2], got [3].',
    );
    expect(() => softmaxCrossEntropy(tf.zeros([2, 3]), tf.zeros([2]))).toThrow(
      'softmaxCrossEntropy needs int32 labels, got float32; cast them.',
    );
  });
});
