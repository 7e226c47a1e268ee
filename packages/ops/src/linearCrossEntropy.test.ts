import * as tf from '@tensorflow/tfjs';
import fc from 'fast-check';
import { expect, it, vi } from 'vitest';
import { draw, tensorOf } from '../test/draw.ts';
import { expectLike } from '../test/expectLike.ts';
import { onEachBackend } from '../test/onEachBackend.ts';
import { linearCrossEntropy } from './linearCrossEntropy.ts';
import { linearCrossEntropy as reference } from './reference/linearCrossEntropy.ts';

onEachBackend(() => {
  it('is the reference in chunks of any length, by either layout of the head', () => {
    const drawn = fc.record({
      size: fc.integer({ min: 1, max: 4 }),
      classes: fc.integer({ min: 1, max: 6 }),
      draws: fc.array(fc.nat(5), { minLength: 1, maxLength: 7 }),
      ignore: fc.constantFrom(-100, 0),
      chunk: fc.option(fc.integer({ min: 1, max: 9 }), { nil: undefined }),
      transposeWeight: fc.boolean(),
      hasBias: fc.boolean(),
    });
    fc.assert(
      fc.property(drawn, ({ size, classes, draws, ignore, chunk, transposeWeight, hasBias }) => {
        const labels = [ignore, ...draws.map((label) => label % classes)];
        const [weight, bias] = [draw('weight', size * classes), draw('bias', classes)];
        const head = { weight, transposeWeight, labels, ignore, ...(hasBias ? { bias } : {}) };
        const frozen = [
          tensorOf(weight, transposeWeight ? [classes, size] : [size, classes]),
          tf.tensor1d(labels, 'int32'),
          tensorOf(bias, [classes]),
        ] as const;
        const options = { ignore, chunk, transposeWeight, ...(hasBias ? { bias: frozen[2] } : {}) };
        expectLike({
          shapes: { hidden: [labels.length, size] },
          output: [],
          run: ({ hidden }) => linearCrossEntropy(hidden, frozen[0], frozen[1], options),
          reference: ({ hidden }) => Float64Array.of(reference(hidden, head)),
          tolerance: 1e-5,
        });
        tf.dispose([...frozen]);
      }),
      { numRuns: 30 },
    );
  });

  it('takes the gradient in the pass of the loss, and none where none is asked for', () => {
    const runKernel = vi.spyOn(tf.engine(), 'runKernel');
    const ran = (work: () => tf.Tensor) => {
      runKernel.mockClear();
      tf.tidy(() => work());
      return runKernel.mock.calls.map(([name]) => name).filter((name) => name.startsWith('PeftLinear'));
    };
    const [hidden, weight, labels] = [tf.ones([4, 2]), tf.ones([2, 3]), tf.zeros([4], 'int32')];
    const run = (x: tf.Tensor) => linearCrossEntropy(x, weight, labels, { chunk: 2 });
    expect(ran(() => run(hidden))).toEqual(['PeftLinearCrossEntropy']);
    expect(ran(() => tf.grad(run)(hidden))).toEqual(['PeftLinearCrossEntropyWithGradient']);
    runKernel.mockRestore();
  });

  it('folds leading axes into rows, and gives rows that count nothing a gradient of zero', () => {
    const hidden = tensorOf(draw('hidden', 12), [2, 2, 3]);
    const weight = tensorOf(draw('weight', 12), [3, 4]);
    const labels = tf.tensor2d([1, -100, -100, 3], [2, 2], 'int32');
    const grad = tf.grad((x) => linearCrossEntropy(x, weight, labels))(hidden);
    expect(grad.shape).toEqual([2, 2, 3]);
    const rows = grad.reshape([4, 3]).arraySync() as number[][];
    expect(rows.map((row) => row.every((value) => value === 0))).toEqual([false, true, true, false]);
  });

  it('turns a label that is no class into NaN, in any chunk', () => {
    const [hidden, weight] = [tf.ones([3, 2]), tf.ones([2, 3])];
    for (const labels of [
      [0, 1, 3],
      [-1, 0, 0],
    ]) {
      expect(linearCrossEntropy(hidden, weight, tf.tensor1d(labels, 'int32'), { chunk: 1 }).arraySync()).toBeNaN();
    }
  });

  it('stays exact where the share of the label is too small for float32', () => {
    const loss = linearCrossEntropy(tf.tensor2d([[1]]), tf.tensor2d([[1e4, 0]]), tf.tensor1d([1], 'int32'));
    expect(loss.arraySync()).toBe(1e4);
  });

  it('refuses what does not fit, and a gradient of the head', () => {
    const [hidden, weight, labels] = [tf.zeros([2, 3]), tf.zeros([3, 4]), tf.zeros([2], 'int32')];
    expect(() => linearCrossEntropy(hidden, weight, labels, { transposeWeight: true })).toThrow(
      'linearCrossEntropy of hidden [2,3], weight [3,4] transposed, labels [2] does not fit: ' +
        'it takes [..., size], [size, classes], [...] and [classes].',
    );
    expect(() => linearCrossEntropy(hidden, weight, labels, { bias: tf.zeros([3]) })).toThrow(
      'weight [3,4], labels [2], bias [3] does not fit',
    );
    expect(() => linearCrossEntropy(hidden, weight, tf.zeros([3], 'int32'))).toThrow('does not fit');
    expect(() => linearCrossEntropy(hidden, weight, tf.zeros([2]))).toThrow(
      'linearCrossEntropy needs int32 labels, got float32; cast them.',
    );
    expect(() => linearCrossEntropy(hidden, weight, labels, { chunk: 0 })).toThrow(
      'linearCrossEntropy chunk 0 is no number of rows; give a whole number from 1.',
    );
    expect(() => tf.grad((head) => linearCrossEntropy(hidden, head, labels))(weight)).toThrow(
      'Cannot backprop through input weight',
    );
  });
});
